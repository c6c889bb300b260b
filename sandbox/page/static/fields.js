// What the fields of a message or view hold, in the words of the sandbox's control addresses.

export const all = (selector, root) => [...root.querySelectorAll(selector)];

const MANY = /^(multi_|checkboxes)/;

// The content of one element: a text, a chosen value, a list of them, or nothing.
export function contentOf(element) {
  const type = element.dataset.type;
  if (MANY.test(type)) return all("input:checked", element).map((input) => input.value);
  if (type === "radio_buttons" || type === "external_select") return element.querySelector("input:checked")?.value ?? null;
  const field = element.querySelector("select, input, textarea");
  if (!field) return null;
  if (type === "datetimepicker") return field.value ? Math.floor(new Date(field.value).getTime() / 1000) : null;
  return field.value === "" ? null : field.value;
}

// Put a content back, as after a confirmation that was denied.
export function restore(element, content) {
  const chosen = [content].flat();
  const inputs = all("input[type=checkbox], input[type=radio]", element);
  for (const input of inputs) input.checked = chosen.includes(input.value);
  const field = element.querySelector("select, input:not([type=checkbox], [type=radio]), textarea");
  if (field && !inputs.length) field.value = content ?? "";
  label(element);
}

// Write the chosen options of a list of many into its closed face.
export function label(element) {
  const face = element.querySelector(".picked");
  if (!face) return;
  const words = all("input:checked", element).map((input) => input.nextElementSibling.textContent);
  face.textContent = words.join(", ") || face.dataset.placeholder;
}

const STATELESS = new Set(["button", "workflow_button", "feedback_buttons", "overflow"]);
const isStateful = (element) => !STATELESS.has(element.dataset.type) && !element.querySelector(":disabled");

// Everything in a view: content by block_id and action_id. A field that cannot be used here keeps what it began with.
export function valuesOf(place) {
  const values = {};
  for (const element of all("[data-action-id]", place).filter(isStateful)) {
    (values[element.dataset.blockId] ??= {})[element.dataset.actionId] = contentOf(element);
  }
  return values;
}

// What a choice looks like in a click.
export function choiceOf(element) {
  const content = contentOf(element);
  switch (element.dataset.type) {
    case "static_select":
    case "external_select":
    case "radio_buttons":
    case "overflow":
      return { selected_option: content };
    case "multi_static_select":
    case "multi_external_select":
    case "checkboxes":
      return { selected_options: content };
    case "users_select":
      return { selected_user: content };
    case "channels_select":
      return { selected_channel: content };
    case "conversations_select":
      return { selected_conversation: content };
    case "multi_users_select":
      return { selected_users: content };
    case "multi_channels_select":
      return { selected_channels: content };
    case "multi_conversations_select":
      return { selected_conversations: content };
    case "datepicker":
      return { selected_date: content };
    case "timepicker":
      return { selected_time: content };
    case "datetimepicker":
      return { selected_date_time: content };
    default:
      return { value: content };
  }
}
