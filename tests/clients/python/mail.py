"""smtplib against the double: logged in, sent to several, and refused."""

import smtplib
from email.message import EmailMessage

from plain import given, told

known = given()
letter = EmailMessage()
letter["From"], letter["To"], letter["Subject"] = "bot@example.com", "ana@example.com", "Grüße"
letter.set_content("Text\n.\nafter a dot")
letter.add_alternative("<p>Text</p>", subtype="html")
with smtplib.SMTP(known["host"], known["port"]) as line:
    knows = line.ehlo()[0]
    line.login(known["user"], known["password"])
    refused = line.send_message(letter)
errors = []
try:
    with smtplib.SMTP(known["host"], known["port"]) as line:
        line.login(known["user"], "wrong")
except smtplib.SMTPAuthenticationError as error:
    errors.append([type(error).__name__, error.smtp_code])
told(knows=knows, refused=refused, errors=errors)
