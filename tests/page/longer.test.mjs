// The page with all its own words 40 % longer, as a translation may be: nothing is cut, no text lies over another, and the
// page does not scroll sideways. What Redis says, code and what is drawn are never translated and stay as they are; a line
// that ends in an ellipsis and says the whole in a title is not cut.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, open, serve, sizes } from "./visitor.mjs";
import { views } from "./views.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

const shown = ["open", "node", "psync", "sequence", "keys", "ring", "rdb", "charts", "config", "faults", "writes", "log", "wire", "help", "share"];

/** What is wrong with the page when its words are longer: run in the page, which is as before afterwards. */
const lengthened = (times) => {
  const own = "[lang=en], [translate=no], pre, code, kbd, svg, .output, .drawing";
  const unseen = "noscript, script, style, title, option, .hidden, .skip, .stage-tree, [data-embed] .under-ring";
  const longer = (word) => {
    let missing = Math.ceil(word.length * (times - 1));
    const out = word.replace(/[aeiou]/gi, (vowel) => (missing-- > 0 ? vowel + vowel : vowel));
    return out + word.at(-1).repeat(Math.max(missing, 0));
  };
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || parent.closest(unseen)) continue;
    if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    texts.push({ node, parent, was: node.data });
    // The root's own language says nothing of the text.
    if (parent.closest(own) && parent.closest(own) !== document.documentElement) continue;
    node.data = node.data.replace(/[A-Za-z][a-z]+/g, longer);
  }
  const wrong = [];
  const name = (text) => `${text.parent.tagName.toLowerCase()}.${text.parent.className || text.parent.parentElement.className} "${text.node.data.trim().slice(0, 40)}"`;
  const sideways = document.documentElement.scrollWidth - window.innerWidth;
  if (sideways > 0) wrong.push(`the page is ${sideways} px too wide`);

  // What of each line of text the boxes around it let be seen. A box that scrolls hides nothing: one can go there.
  const lines = [];
  for (const text of texts) {
    const range = document.createRange();
    range.selectNodeContents(text.node);
    for (const r of range.getClientRects()) {
      if (r.width < 1) continue;
      const line = { text, left: r.left, right: r.right, top: r.top, bottom: r.bottom };
      let [scrollsX, scrollsY] = [false, false];
      for (let box = text.parent; box && box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box);
        if (style.display === "inline" || style.display === "contents") continue;
        const b = box.getBoundingClientRect();
        if (style.overflowX !== "visible") {
          const cut = Math.max(b.left - line.left, line.right - b.right);
          if (style.overflowX === "hidden" || style.overflowX === "clip") {
            const told = style.textOverflow === "ellipsis" && box.closest("[title]");
            if (cut > 1.5 && !scrollsX && !told) wrong.push(`cut by ${Math.round(cut)} px: ${name(text)}`);
          } else scrollsX = true;
          line.left = Math.max(line.left, b.left);
          line.right = Math.min(line.right, b.right);
        }
        if (style.overflowY !== "visible") {
          const cut = Math.max(b.top - line.top, line.bottom - b.bottom);
          if (style.overflowY === "hidden" || style.overflowY === "clip") {
            const told = style.webkitLineClamp !== "none" && box.closest("[title]");
            if (cut > (r.height * 2) / 5 && !scrollsY && !told) wrong.push(`cut below by ${Math.round(cut)} px: ${name(text)}`);
          } else scrollsY = true;
          line.top = Math.max(line.top, b.top);
          line.bottom = Math.min(line.bottom, b.bottom);
        }
        if (box.matches("button, a, [role=tab]")) {
          const out = Math.max(b.left - line.left, line.right - b.right, b.top - line.top - 2, line.bottom - b.bottom - 2);
          if (out > 1.5) wrong.push(`${Math.round(out)} px out of its button: ${name(text)}`);
        }
        if (style.position === "fixed") break;
      }
      if (!scrollsX && Math.max(-line.left, line.right - window.innerWidth) > 1.5) wrong.push(`beyond the edge: ${name(text)}`);
      if (line.right - line.left > 1 && line.bottom - line.top > 1) lines.push(line);
    }
  }

  for (const button of document.querySelectorAll("button, a, input, textarea")) {
    if (button.closest(unseen) || !button.checkVisibility({ visibilityProperty: true })) continue;
    const b = button.getBoundingClientRect();
    // The rows of the page's frame have one height, whatever is in them.
    const row = button.closest(".top, .transport, .tabs")?.getBoundingClientRect();
    if (row && Math.max(row.top - b.top, b.bottom - row.bottom) > 1) wrong.push(`out of its row: ${button.textContent || button.title}`);
    let scrolls = false;
    for (let box = button.parentElement; box; box = box.parentElement) scrolls ||= /auto|scroll/.test(getComputedStyle(box).overflowX);
    if (!scrolls && Math.max(-b.left, b.right - window.innerWidth) > 1) wrong.push(`beyond the edge: ${button.textContent || button.title}`);
  }

  // Two texts lie over each other when both can be seen where they meet: nothing opaque is between them.
  const seenAt = (x, y) => {
    const seen = new Set();
    for (const e of document.elementsFromPoint(x, y)) {
      seen.add(e);
      const { backgroundColor: colour } = getComputedStyle(e);
      if (!/transparent|(, 0|\/ 0)\)$/.test(colour)) break;
    }
    return seen;
  };
  for (const [i, a] of lines.entries()) {
    for (const b of lines.slice(i + 1)) {
      if (a.text === b.text) continue;
      const [left, right] = [Math.max(a.left, b.left), Math.min(a.right, b.right)];
      const [top, bottom] = [Math.max(a.top, b.top), Math.min(a.bottom, b.bottom)];
      if (right - left < 2 || bottom - top < (Math.min(a.bottom - a.top, b.bottom - b.top) * 2) / 5) continue;
      const seen = seenAt((left + right) / 2, (top + bottom) / 2);
      if (seen.has(a.text.parent) && seen.has(b.text.parent)) wrong.push(`over each other: ${name(a.text)} and ${name(b.text)}`);
    }
  }
  for (const { node, was } of texts) if (node.data !== was) node.data = was;
  return { wrong: [...new Set(wrong)], texts: texts.length };
};

test("words 40 % longer fit an embedded page", async () => {
  for (const query of ["?embed", "?embed&lesson=l06.3", "?embed&panes=stage,wire", "?embed&panes=sequence"]) {
    const visit = await open(browser, site.url + query, sizes.embed.context);
    await visit.page.waitForTimeout(500);
    const found = await visit.page.evaluate(lengthened, 1.4);
    assert.ok(found.texts > 8, `only ${found.texts} texts are seen in ${query}`);
    assert.deepEqual(found.wrong, [], query);
    await visit.close();
  }
});

// The last one is 1440 by 900, enlarged to 200 %.
for (const size of ["1440x900", "1024x768", "390x844", "720x450"]) {
  test(`words 40 % longer fit the page at ${size}`, async () => {
    const options = sizes[size] ?? { context: { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 } };
    const visit = await open(browser, site.url, options.context);
    try {
      const wrong = [];
      for (const name of shown) {
        await views[name].show(visit.page, options);
        const found = await visit.page.evaluate(lengthened, 1.4);
        assert.ok(found.texts > 30, `only ${found.texts} texts are seen in ${name}`);
        wrong.push(...found.wrong.map((what) => `${name}: ${what}`));
      }
      assert.deepEqual(wrong, []);
    } finally {
      await visit.close();
    }
  });
}
