/**
 * cicflow send-phone-message: tells cicflow that a code is sent to a phone, never the code nor the text that holds it.
 * It does not send the message: that is for another Auth0 Action of this trigger. No answer can change anything here.
 */

const { leaves, TENANT, CLIENT, REQUEST, PERSON, METADATA, IDENTITIES, action } = require("../shared.js");

const { execute } = action({
  trigger: "send-phone-message",
  what: "a message to a phone",
  shape: {
    tenant: TENANT,
    client: CLIENT,
    message_options: leaves("action", "message_type", "recipient"),
    request: REQUEST,
    user: { ...PERSON, ...METADATA, identities: IDENTITIES },
  },
  can: {},
});

exports.onExecuteSendPhoneMessage = execute;
