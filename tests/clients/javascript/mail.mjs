// nodemailer against the double: logged in, sent in text and HTML with a file, and refused.
import nodemailer from "nodemailer";
import { given, told } from "./saying.mjs";

const known = given();
const line = (pass) => nodemailer.createTransport({ host: known.host, port: known.port, secure: false, ignoreTLS: true, auth: { user: known.user, pass } });
const post = line(known.password);
const well = await post.verify();
const sent = await post.sendMail({
  from: "bot@example.com",
  to: "ana@example.com, ben@example.com",
  subject: "Grüße",
  text: "Text\n.\nafter a dot",
  html: "<p>Text</p>",
  attachments: [{ filename: "a.csv", content: "a,b" }],
});
const errors = [];
try {
  await line("wrong").verify();
} catch (error) {
  errors.push([error.code, error.responseCode]);
}
told({ well, accepted: sent.accepted, rejected: sent.rejected, errors });
