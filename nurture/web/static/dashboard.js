/* Conveniences. Every page works without them. */
"use strict";

/* A form is sent once, and says that it is under way. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  if (form.method === "post") form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
addEventListener("beforeunload", () => document.documentElement.setAttribute("data-busy", ""));
addEventListener("pageshow", () => {
  document.documentElement.removeAttribute("data-busy");
  for (const form of document.forms) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});

/* A choice in a filter takes effect at once. */
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form && form.classList.contains("filter")) form.requestSubmit();
});

/* Open sheets close with Escape and with a click beside them. */
const sheets = () => document.querySelectorAll("details.who[open]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const sheet of sheets()) {
    sheet.open = false;
    sheet.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const sheet of sheets()) if (!sheet.contains(event.target)) sheet.open = false;
});

/* On a phone the sections stand in a row: the one that is open comes into sight. */
document.querySelector(".rail [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

/* A picture wider than the screen shows its middle, where it begins. */
for (const drawing of document.querySelectorAll(".drawing")) drawing.scrollLeft = (drawing.scrollWidth - drawing.clientWidth) / 2;
