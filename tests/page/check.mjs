// Looks at the HTML report in headless Chromium: wide and narrow, light, dark and on paper.
//
//   npm install --prefix tests/page --no-package-lock
//   node tests/page/check.mjs REPORT.html [--rows N] [--shots FOLDER]
//
// Fails where axe-core finds a violation, anything is written to the console, anything is asked of the network,
// something is wider than the screen, a cell is obeyed rather than shown, or the table is slow.

import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options, positionals: [path] } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string" }, shots: { type: "string" } },
});
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const url = pathToFileURL(path).href;
const problems = [];
const expect = (right, what) => { if (!right) problems.push(what); };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
if (options.shots) mkdirSync(options.shots, { recursive: true });

for (const [name, width, colorScheme, media] of [
  ["wide-light", 1200, "light", "screen"], ["wide-dark", 1200, "dark", "screen"],
  ["narrow-light", 390, "light", "screen"], ["narrow-dark", 390, "dark", "screen"], ["paper", 1032, "dark", "print"],
]) {
  const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme, bypassCSP: false });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]).catch(() => {});
  const page = await context.newPage();
  page.on("console", (message) => problems.push(`${name}: console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  page.on("dialog", (dialog) => { problems.push(`${name}: a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => expect(request.url() === url, `${name}: asked for ${request.url()}`));
  await page.goto(url);
  if (media === "print") {
    await page.emulateMedia({ media, colorScheme });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(over <= 0, `${name}: ${over} px wider than the screen`);
  if (media === "screen") {
    // Run from outside the page, whose policy would rightly refuse it.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, help, nodes } of violations) {
      problems.push(`${name}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
    }
  } else {
    const clipped = await page.evaluate(() => [...document.querySelectorAll("#grid td, .scroll td")]
      .filter((cell) => cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).display !== "none").length);
    expect(clipped === 0, `${name}: ${clipped} cells are cut off`);
  }
  if (options.shots) await page.screenshot({ path: `${options.shots}/${name}.png`, fullPage: media === "screen" });
  if (media === "print" && options.shots) await page.pdf({ path: `${options.shots}/paper.pdf`, preferCSSPageSize: true });
  await context.close();
}

// The table by keyboard and mouse, and in time.
const page = await browser.newPage({ viewport: { width: 1200, height: 844 } });
page.on("pageerror", (error) => problems.push(String(error)));
const begun = performance.now();
await page.goto(url);
const loaded = performance.now() - begun;
const rows = await page.evaluate(() => Number(document.querySelector("#grid table")?.getAttribute("aria-rowcount") ?? 1) - 1);
expect(!options.rows || rows === Number(options.rows), `${rows} rows rather than ${options.rows}`);
const timings = {};
if (rows > 0) {
  const drawn = await page.locator("#grid tbody tr[data-number]").count();
  expect(drawn > 0 && drawn <= 100, `${drawn} rows are drawn`);
  timings.sort = await page.evaluate(() => {
    const begun = performance.now();
    document.querySelector("#grid th[data-column='2'] button").click();
    return performance.now() - begun;
  });
  const column = (number) => page.locator(`#grid tbody tr[data-number] td:nth-child(${number + 2})`).allTextContents();
  const users = await column(2);
  expect(users.every((user, place) => place === 0 || users[place - 1] <= user), "not sorted");
  expect(await page.getAttribute("#grid th[data-column='2']", "aria-sort") === "ascending", "does not say how it is sorted");
  await page.focus("#find");
  await page.keyboard.type(users[0]);
  timings.filter = await page.evaluate(() => new Promise((resolve) => {
    const begun = performance.now();
    const find = document.getElementById("find");
    find.dispatchEvent(new Event("input"));
    const look = () => document.getElementById("said").textContent.includes(" of ") || performance.now() - begun > 5000
      ? resolve(performance.now() - begun) : setTimeout(look, 5);
    look();
  }));
  const left = await column(2);
  expect(left.length > 0 && left.every((user) => user.includes(users[0])), `found ${left.slice(0, 3)} for ${users[0]}`);
  await page.click("#copy");
  await page.waitForFunction(() => /copied/.test(document.getElementById("said").textContent));
  await page.keyboard.press("Tab");
  await page.locator("#grid tbody tr[data-number] button").first().press("Enter");
  expect(await page.locator("#details").isVisible(), "a row does not open by keyboard");
  await page.keyboard.press("Escape");
  await page.fill("#find", "");
  await page.waitForFunction((all) => document.querySelector("#grid table").getAttribute("aria-rowcount") === String(all + 1), rows);
  await page.evaluate(() => { const grid = document.getElementById("grid"); grid.scrollTop = grid.scrollHeight; });
  await page.waitForFunction((all) => document.querySelector(`#grid tr[data-number='${all - 1}']`), rows);
}
expect(await page.evaluate(() => typeof globalThis.obeyed) === "undefined", "a cell was obeyed");
for (const [what, took] of Object.entries({ loaded, ...timings })) {
  expect(took < (what === "loaded" ? 3000 : 1000), `${what}: ${Math.round(took)} ms`);
}
await browser.close();
const told = Object.entries({ loaded, ...timings }).map(([what, took]) => `${what} ${Math.round(took)} ms`).join(", ");
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${path}: ${rows} rows, ${told}: nothing wrong`);
