// What a page does beyond being read: fresh times, copy buttons, and a word when something has changed. Without it, all is
// there.
"use strict";

const page = document.body;
// The page's own clock, which is the chain's: the reader's may be wrong.
const loaded = performance.now();
const now = Number(page.dataset.now);
const time = () => now + Math.floor((performance.now() - loaded) / 1000);

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const space = "\u00a0";

function duration(seconds) {
  const first = UNITS.findIndex(([unit]) => seconds >= unit);
  if (first < 0) return `0${space}s`;
  const parts = [];
  let left = seconds;
  for (const [unit, name] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(left / unit);
    left %= unit;
    if (count > 0) parts.push(`${count}${space}${name}`);
  }
  return parts.join(" ");
}

function tick() {
  if (!Number.isFinite(now) || now === 0) return;
  for (const element of document.querySelectorAll("[data-t]")) {
    const at = Number(element.dataset.t);
    const span = duration(Math.abs(at - time()));
    const text = at === time() ? "now" : at > time() ? `in ${span}` : `${span} ago`;
    if (element.textContent !== text) element.textContent = text;
  }
}
setInterval(tick, 10_000);

// Only where the browser lets a page write to the clipboard.
if (navigator.clipboard) {
  for (const element of document.querySelectorAll(".copy")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copier";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${element.dataset.full}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(element.dataset.full);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2_000);
    });
    (element.closest("pre, h1") ?? element).after(button);
  }
}

const notice = document.querySelector(".live");
let missed = 0;

function tell(text) {
  if (!notice) return;
  const link = document.createElement("a");
  link.href = location.pathname + location.search;
  link.textContent = text;
  notice.replaceChildren(link);
}

function listen(pause) {
  const source = new EventSource(page.dataset.live);
  source.addEventListener("change", () => {
    missed += 1;
    const count = Number.isFinite(missed) ? missed : "Many";
    tell(missed === 1 ? "1 change since. Show it" : `${count} changes since. Show them`);
  });
  source.addEventListener("gap", () => {
    missed = Infinity;
    tell("Many changes since. Show them");
  });
  // The browser comes back by itself, but not after a refusal.
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => listen(Math.min(pause * 2, 600_000)), pause);
  });
}

// A page in the background keeps no place on the server.
let isListening = false;
function listenOnce() {
  if (isListening || document.visibilityState !== "visible" || !page.dataset.live) return;
  isListening = true;
  listen(60_000);
}
document.addEventListener("visibilitychange", listenOnce);
listenOnce();
