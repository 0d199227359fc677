// Looks at the explorer's pages with a real browser: node run.mjs PLAN.json. What it finds wrong it prints, and ends with 1.
//
// Plan: {base, out, chromium, pages: [{name, path, expect, forbid?}]}. Each page must hold at a desktop's and at a phone's
// width, in light and dark: nothing on the console, nothing that the content security policy had to stop, nothing from
// elsewhere, no sideways scrolling, nothing serious that axe finds, all of it reachable by keyboard, and its content there
// without a script.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = [];

const SCREENS = [
  { name: "desktop", width: 1280, height: 900, colorScheme: "light" },
  { name: "dark", width: 1280, height: 900, colorScheme: "dark" },
  { name: "phone", width: 360, height: 740, colorScheme: "light" },
  { name: "phone-dark", width: 360, height: 740, colorScheme: "dark" },
];

/// A page that tells of everything it should not do.
async function open(context, path, status, where) {
  const page = await context.newPage();
  const complain = (what) => wrong.push(`${where()}: ${what}`);
  page.on("console", (message) => {
    // The browser's own word about a page that is not there.
    if (status !== 200 && message.text().includes(`status of ${status}`)) return;
    if (["error", "warning"].includes(message.type())) complain(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complain(`script: ${error}`));
  page.on("dialog", async (dialog) => { complain(`a dialog: ${dialog.message()}`); await dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${plan.base}/`)) complain(`asks elsewhere: ${request.url()}`);
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      window.violations.push(`${event.violatedDirective} stopped ${event.blockedURI} ${event.sample}`);
    });
  });
  const answer = await page.goto(plan.base + path, { waitUntil: "load" });
  return { page, answer, complain };
}

function headers(answer, complain) {
  const all = answer.headers();
  const policy = all["content-security-policy"] ?? "";
  if (!policy.includes("default-src 'none'") || policy.includes("unsafe")) complain(`policy: ${policy}`);
  if (!policy.includes("frame-ancestors 'none'")) complain("may be framed");
  if (all["x-content-type-options"] !== "nosniff") complain("no nosniff");
  if (all["referrer-policy"] !== "no-referrer") complain("no referrer policy");
}

/// What is in the document itself.
///
/// Of inline styles it tells only before axe has looked, which leaves some behind.
async function content(page, wanted, isFirst, complain) {
  const text = await page.textContent("main");
  for (const part of [wanted.expect].flat()) {
    if (!text.includes(part)) complain(`does not say "${part}"`);
  }
  for (const part of wanted.forbid ?? []) {
    if (text.includes(part)) complain(`says "${part}"`);
  }
  const document = await page.evaluate(() => ({
    inline: [...document.querySelectorAll("*")].filter((one) =>
      [...one.attributes].some(({ name }) => name === "style" || name.startsWith("on"))).length,
    scripts: [...document.scripts].filter((one) => !one.src).length,
    headings: document.querySelectorAll("h1").length,
    hostile: window.hostile ?? null,
    violations: window.violations,
    wide: document.documentElement.scrollWidth - window.innerWidth,
    trusted: /trusted/i.test(document.body.innerText),
    asOf: document.querySelector(".asof strong")?.innerText ?? "",
  }));
  if (isFirst && (document.inline || document.scripts)) complain("something is inline");
  if (document.headings !== 1) complain(`${document.headings} first headings`);
  if (document.hostile) complain("a hostile script has run");
  if (document.violations.length) complain(`stopped by policy: ${document.violations.join("; ")}`);
  if (document.wide > 0) complain(`${document.wide} px too wide`);
  if (document.trusted) complain("calls something trusted");
  if (!document.asOf) complain("does not say as of which block");
}

async function accessible(page, areColours, complain) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axe);
  const rules = areColours ? { runOnly: ["color-contrast"] } : {};
  const found = await page.evaluate((rules) => window.axe.run(document, { resultTypes: ["violations"], ...rules }), rules);
  for (const { id, impact, nodes } of found.violations) {
    const line = `axe: ${impact} ${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")).join("; ")}`;
    if (["serious", "critical"].includes(impact)) complain(line);
    else console.log(line);
  }
}

/// From the first to the last thing that can be reached, each with a name and in sight.
async function keyboard(page, complain) {
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.className);
  if (first !== "skip") complain(`the first stop is ${first}, not the skip link`);
  const count = await page.evaluate(() => {
    const can = "a[href], button, input, summary, [tabindex='0']";
    return [...document.querySelectorAll(can)].filter((one) => one.checkVisibility()).length;
  });
  const seen = new Set();
  for (let i = 0; i < count + 5; i += 1) {
    const stop = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      one.dataset.stop ??= String(Math.random());
      const style = getComputedStyle(one);
      const name = one.getAttribute("aria-label") ?? (one.labels?.[0]?.innerText || one.innerText || one.title);
      const box = one.getBoundingClientRect();
      return {
        key: one.dataset.stop,
        tag: one.outerHTML.slice(0, 80),
        isNamed: Boolean(name?.trim()),
        isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
        isInSight: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
      };
    });
    if (!stop || seen.has(stop.key)) break;
    seen.add(stop.key);
    if (!stop.isNamed) complain(`keyboard: no name: ${stop.tag}`);
    if (!stop.isMarked) complain(`keyboard: not marked: ${stop.tag}`);
    if (!stop.isInSight) complain(`keyboard: out of sight: ${stop.tag}`);
    await page.keyboard.press("Tab");
  }
  if (seen.size < count) complain(`keyboard: ${seen.size} of ${count} reached`);
  await page.evaluate(() => document.querySelector(".skip").focus());
  await page.keyboard.press("Enter");
  const target = await page.evaluate(() => document.activeElement?.id);
  if (target !== "main") complain(`the skip link leads to ${target}`);
}

async function look(browser, still, wanted) {
  const context = await browser.newContext({ reducedMotion: "reduce", viewport: { width: 1280, height: 900 } });
  const status = wanted.status ?? 200;
  let screen = "";
  const { page, answer, complain } = await open(context, wanted.path, status, () => `${wanted.name} ${screen}`);
  if (answer.status() !== status) complain(`status ${answer.status()}`);
  headers(answer, complain);
  for (const { name, width, height, colorScheme } of SCREENS) {
    screen = name;
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await content(page, wanted, name === "desktop", complain);
    await page.screenshot({ path: join(plan.out, `${wanted.name}-${name}.png`), fullPage: true });
    // What is only another colour needs no other look.
    if (name !== "phone-dark") await accessible(page, name === "dark", complain);
    if (name === "desktop") await keyboard(page, complain);
  }
  await context.close();
  await still.goto(plan.base + wanted.path);
  const text = await still.textContent("main");
  for (const part of [wanted.expect].flat()) {
    if (!text.includes(part)) wrong.push(`${wanted.name} without script: does not say "${part}"`);
  }
}

/// Waits until a page that stays open tells of a change.
async function wait(browser, wanted) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const { page } = await open(context, wanted.path, 200, () => `${wanted.name} live`);
  await page.waitForTimeout(1_000);
  console.log("listening");
  try {
    await page.waitForSelector(".live a", { timeout: 60_000 });
    await page.screenshot({ path: join(plan.out, `${wanted.name}-live.png`) });
    await Promise.all([page.waitForEvent("load"), page.click(".live a")]);
    const text = await page.innerText("main");
    if (!text.includes(wanted.live)) wrong.push(`${wanted.name} live: does not say "${wanted.live}"`);
  } catch (error) {
    wrong.push(`${wanted.name} live: ${error}`);
  }
  await context.close();
}

mkdirSync(plan.out, { recursive: true });
const browser = await chromium.launch({ executablePath: plan.chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
try {
  const still = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  for (const wanted of plan.pages) {
    if (wanted.live) await wait(browser, wanted);
    else await look(browser, still, wanted);
  }
} finally {
  await browser.close();
}
for (const problem of wrong) console.error(problem);
process.exitCode = wrong.length ? 1 : 0;
