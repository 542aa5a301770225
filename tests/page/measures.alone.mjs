// What can be measured of the page, measured: a table of name, verdict and value. A measure that fails fails the test,
// after the table. Times are printed beside their aims and fail nothing: they would judge the machine.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { attr, browse, dist, files, line, number, open, serve, sizes, type, until } from "./visitor.mjs";
import { palette } from "./tokens.mjs";

let browser, site;
before(async () => ([browser, site] = await Promise.all([browse(), serve()])));
after(async () => {
  await browser?.close();
  site?.close();
});

/** A page for one measure. */
async function on(options, work, query = "") {
  const visit = await open(browser, site.url + query, options);
  try {
    return await work(visit.page, visit);
  } finally {
    await visit.close();
  }
}

const desktop = sizes["1440x900"].context;
const every = Object.entries(sizes);

/** What is smaller than it should be, or overlaps its box: run in the page. */
const tiny = (least) => {
  const out = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (e.closest("noscript, .hidden, .skip, .stage-tree, script, style, title")) continue;
    const matrix = e instanceof SVGElement ? e.getScreenCTM?.() : null;
    const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
    const px = parseFloat(getComputedStyle(e).fontSize) * scale;
    if (px < least - 0.05) out.push(`${px.toFixed(1)} ${e.tagName} ${e.textContent.trim().slice(0, 20)}`);
  }
  return out;
};

const small = (least) => {
  const out = [];
  for (const e of document.querySelectorAll("button, a[href], input, textarea, [role=tab]")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".stage-tree, .skip, [hidden]")) continue;
    const r = e.getBoundingClientRect();
    if (r.width === 0 || r.height >= least - 0.5 && r.width >= least - 0.5) continue;
    // A row of a table or list is as wide as its list: only its height is small, and its neighbours are rows too.
    if (e.closest("tr, .frames, .output")) continue;
    out.push(`${Math.round(r.width)}x${Math.round(r.height)} ${e.textContent.trim().slice(0, 16) || e.getAttribute("aria-label")}`);
  }
  return out;
};

const none = (list, what = "") => {
  assert.deepEqual([...new Set(list)].slice(0, 8), [], what);
  return "none";
};

/** Counts what asks for frames, from the first script on. */
const countFrames = (page) =>
  page.addInitScript(() => {
    window.frames = 0;
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (f) => (window.frames++, ask(f));
  });

const rest = (page) => until(page, "rest", async () => (await page.getByTestId("state").innerText()).match(/idle|空闲/), 20_000);
const offsetOf = (page, node) => number(page, `[data-node=${node}]`, "data-offset");
/** The first write is at all nodes. */
const written = async (page) => {
  for (const node of ["m", "r1", "r2"]) await until(page, `the write at ${node}`, async () => (await offsetOf(page, node)) > 0);
};

const measures = {
  "M2 focus is never hidden": () =>
    on(desktop, async (page) => {
      const hidden = [];
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const what = await page.evaluate(() => {
          const e = document.activeElement;
          if (!e || e === document.body || e.closest(".stage-tree")) return "";
          const r = e.getBoundingClientRect();
          const top = document.elementFromPoint(r.x + r.width / 2, r.y + Math.min(r.height / 2, 10));
          return top && (e.contains(top) || top.contains(e) || top.closest("label, .field")?.contains(e)) ? "" : `${e.tagName} ${e.textContent.trim().slice(0, 20)}`;
        });
        if (what) hidden.push(what);
      }
      return none(hidden);
    }),
  "M2 what is dragged has keys too": () =>
    on(desktop, async (page) => {
      await line(page, ":try");
      await page.locator("[data-hand]").first().waitFor();
      // Nodes that are dragged onto each other or fenced in have the keys `o` and `u`: topology.test.mjs.
      const found = await page.evaluate(() =>
        [...document.querySelectorAll("[data-hand], .split:not([hidden]), .strip")].map((e) =>
          `${e.className.baseVal ?? e.className} ${e.getAttribute("role")}: ${e.tabIndex === 0 && /^(slider|separator)$/.test(e.getAttribute("role")) && Number.isFinite(parseFloat(e.getAttribute("aria-valuenow")))}`));
      none(found.filter((f) => !f.endsWith("true")));
      assert.ok(found.length >= 5, found.join());
      return `${found.length} sliders and borders`;
    }),
  "M3 the first lesson by keyboard alone": () =>
    on(desktop, async (page) => {
      await page.keyboard.press("/");
      for (const text of ["SET hello world", ":cut m r1", "SET city Oslo", ":restore m r1"]) {
        await page.keyboard.type(text, { delay: 20 });
        await page.keyboard.press("Enter");
      }
      await until(page, "+CONTINUE", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
      return "+CONTINUE";
    }),
  "M4 Tab leaves the console and the stage": () =>
    on(desktop, async (page) => {
      let most = 0;
      for (const [start, within] of [["#console-input", "#console-input"], [".stage-tree [tabindex='0']", ".stage-tree"]]) {
        await page.locator(start).first().focus();
        let presses = 0;
        do {
          await page.keyboard.press("Tab");
          presses++;
        } while (presses < 5 && (await page.evaluate((w) => Boolean(document.activeElement?.closest(w)), within)));
        most = Math.max(most, presses);
      }
      assert.ok(most <= 2, `${most} presses`);
      return `${most} press`;
    }),
  "M5 single keys can be switched off; none while typing": () =>
    on(desktop, async (page) => {
      await rest(page);
      const state = () => page.evaluate(() => [...document.querySelectorAll("[data-node]")].map((e) => `${e.dataset.node}${e.dataset.role}${e.dataset.link}`).join());
      const was = await state();
      await page.getByTestId("console-input").focus();
      await page.keyboard.type("pxkn");
      assert.equal(await state(), was, "typed into the console");
      await page.keyboard.press("Escape");
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("?");
      await page.locator("[data-do=keys]").click();
      await page.keyboard.press("Escape");
      await page.evaluate(() => document.activeElement.blur());
      for (const key of ["p", "x", "k", "n"]) await page.keyboard.press(key);
      await page.waitForTimeout(300);
      assert.equal(await state(), was, "switched off");
      return "0 actions";
    }),
  "M6 contrast of all pairs of colours": () => {
    const worst = palette.contrasts();
    none(worst.failed);
    return `text ≥ ${worst.text.toFixed(1)}, graphics ≥ ${worst.graphics.toFixed(1)}`;
  },
  "M7 roles for eyes without red or green": () => {
    const [light, dark] = ["light", "dark"].map((t) => palette.distance(t));
    assert.ok(Math.min(light, dark) >= 12, `${light} ${dark}`);
    return `OKLab ${light.toFixed(1)} light, ${dark.toFixed(1)} dark`;
  },
  "M8 role and state in words": () =>
    on(desktop, async (page) => {
      const text = await page.locator(".drawing").textContent();
      for (const word of ["master", "replica", "online"]) assert.ok(text.includes(word), word);
      await line(page, ":cut m r1");
      await until(page, "cut in words", async () => (await page.locator("[data-node=r1]").first().textContent()).includes("cut"));
      return "words stand beside shapes";
    }),
  "M9 target size": async () => {
    for (const [size, options] of every) {
      const least = options.phone ? 44 : 24;
      const query = options.embed ? "?embed" : "";
      none(await on(options.context, (page) => page.evaluate(small, least), query), `${size} below ${least} px`);
    }
    return "≥ 24 px; phone ≥ 44 px";
  },
  "M10 no sideways scroll": async () => {
    for (const width of [320, 360, 390, 576, 720, 900, 1024, 1280, 1440]) {
      await on({ viewport: { width, height: 700 } }, async (page) => {
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${width}: ${over} px`);
      });
    }
    return "320 to 1440 px";
  },
  "M10 no page of a phone scrolls sideways": () =>
    on(sizes["390x844"].context, async (page) => {
      for (const text of ["SET hello world", ":cut m r1", `SET long ${"x".repeat(60)}`]) await line(page, text);
      const wide = [];
      for (const name of ["node", "psync", "keys", "ring", "charts", "config", "faults", "writes", "log"]) {
        await line(page, `:page ${name}`);
        await page.locator(`#tab-${name}[aria-selected=true]`).waitFor();
        const over = await page.locator("#inspector").evaluate((panel) => [panel, ...panel.querySelectorAll("*")]
          .filter((e) => /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1 && !e.matches(".nodes"))
          .map((e) => `${e.className} ${e.scrollWidth - e.clientWidth} px`));
        wide.push(...over.map((o) => `${name}: ${o}`));
      }
      return none(wide) && "all but the wire, the sequence and the snapshot";
    }),
  "M11 letters twice as large, spaced": () =>
    on({ viewport: { width: 1440, height: 900 } }, async (page) => {
      await page.evaluate(() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("html{font-size:32px} *{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}");
        document.adoptedStyleSheets = [sheet];
      });
      await page.waitForTimeout(300);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${over} px too wide`);
      return "no sideways scroll";
    }),
  "M12 letters of 12 px and more": async () => {
    const seen = [];
    for (const [size, options] of [...every, ["1366x768", { context: { viewport: { width: 1366, height: 768 } } }], ["320x640", { context: { viewport: { width: 320, height: 640 } } }]]) {
      await on(options.context, async (page) => {
        for (const text of ["SET hello world", ":cut m r1", "SET tea mint"]) await line(page, text);
        await page.waitForTimeout(600);
        seen.push(...(await page.evaluate(tiny, 12)).map((t) => `${size} ${t}`));
      }, options.embed ? "?embed" : "");
    }
    return none(seen);
  },
  "M13 less motion, the same end": async () => {
    const ends = [];
    for (const reducedMotion of ["no-preference", "reduce"]) {
      await on({ ...desktop, reducedMotion }, async (page) => {
        await type(page, "SET hello world");
        if (reducedMotion === "reduce") for (let i = 0; i < 8; i++) await line(page, ":step");
        await written(page);
        if (reducedMotion !== "reduce") await rest(page);
        const long = await page.evaluate(() => document.getAnimations().filter((a) => a.effect.getComputedTiming().duration > 150).length);
        if (reducedMotion === "reduce") assert.equal(long, 0, "animations longer than 150 ms");
        ends.push(await page.evaluate(() => [...document.querySelectorAll("[data-node]")].map((e) => e.dataset.offset).join()));
      });
    }
    assert.equal(ends[0], ends[1]);
    return `offsets ${ends[0]}`;
  },
  "M14 no frame while idle": () =>
    on(desktop, async (page) => {
      await countFrames(page);
      await page.reload();
      await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
      // The opening's heartbeats: until a second passes without a frame.
      const frames = () => page.evaluate(() => window.frames);
      await until(page, "rest", async () => {
        const before = await frames();
        await page.waitForTimeout(1000);
        return (await frames()) === before;
      });
      const before = await page.evaluate(() => window.frames);
      await page.waitForTimeout(5000);
      const asked = (await page.evaluate(() => window.frames)) - before;
      assert.equal(asked, 0);
      return "0 in 5 s";
    }),
  "M15 nothing flashes": () =>
    on(desktop, async (page, { context }) => {
      await line(page, ":load m 50/s");
      await line(page, ":cut m r1");
      await page.waitForTimeout(500);
      await line(page, ":restore m r1");
      // Every picture that the browser paints.
      const shots = [];
      const cdp = await context.newCDPSession(page);
      cdp.on("Page.screencastFrame", ({ data, sessionId }) => {
        shots.push(data);
        cdp.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
      });
      const seconds = 4;
      await cdp.send("Page.startScreencast", { format: "jpeg", quality: 50, maxWidth: 480, maxHeight: 300 });
      await page.waitForTimeout(1000 * seconds);
      await cdp.send("Page.stopScreencast");
      assert.ok(shots.length >= 4 * seconds, `only ${shots.length} pictures`);
      // A flash is large: a quarter of 341 by 256 pixels (WCAG 2.3.1). Lightness on a grid of fields of 40 by 38
      // pixels; a window of 8 by 7 fields turns when a quarter of them go the same way by a tenth or more.
      const other = await context.newPage();
      const turns = await other.evaluate(async (shots) => {
        const [w, h, across, down] = [36, 24, 8, 7];
        const canvas = new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true });
        const last = Array(w * h).fill(null), way = Array(w * h).fill(0), turns = Array(w * h).fill(0);
        for (const shot of shots) {
          const image = new Image();
          image.src = `data:image/jpeg;base64,${shot}`;
          await image.decode();
          canvas.drawImage(image, 0, 0, w, h);
          const { data } = canvas.getImageData(0, 0, w, h);
          const steps = last.map((before, i) => {
            const light = (0.2126 * data[4 * i] + 0.7152 * data[4 * i + 1] + 0.0722 * data[4 * i + 2]) / 255;
            const step = before === null ? 0 : light - before;
            if (before === null || Math.abs(step) >= 0.1) last[i] = light;
            return Math.abs(step) >= 0.1 ? Math.sign(step) : 0;
          });
          for (let y = 0; y + down <= h; y++)
            for (let x = 0; x + across <= w; x++) {
              const at = y * w + x, count = { "-1": 0, 0: 0, 1: 0 };
              for (let j = 0; j < down; j++) for (let i = 0; i < across; i++) count[steps[at + j * w + i]]++;
              for (const sign of [-1, 1])
                if (count[sign] >= (across * down) / 4 && sign !== way[at]) [way[at], turns[at]] = [sign, turns[at] + 1];
            }
        }
        return Math.max(...turns);
      }, shots);
      const flashes = turns / 2 / seconds;
      assert.ok(flashes < 3, `${flashes} a second`);
      return `at most ${flashes.toFixed(2)} a second, ${(shots.length / seconds).toFixed(0)} pictures a second`;
    }),
  "M16 first paint on a slow phone": () => throttled(),
  "M17 bytes of the page": () => {
    const size = (name) => brotliCompressSync(readFileSync(`${dist}/${name}`)).length;
    const all = files().filter((f) => !f.endsWith("poster.svg")).reduce((sum, f) => sum + size(f), 0);
    const poster = files().filter((f) => !f.endsWith(".wasm") && !/page-.*\.js$/.test(f)).reduce((sum, f) => sum + size(f), 0);
    assert.ok(all <= 600 * 1024 && poster <= 60 * 1024, `${all} ${poster}`);
    return `${(all / 1024).toFixed(0)} KB br, embedded before Run ${(poster / 1024).toFixed(0)} KB`;
  },
  "M18 nothing jumps": () =>
    on(desktop, async (page) => {
      await page.addInitScript(() => {
        window.shift = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((e) => !e.hadRecentInput && (window.shift += e.value))).observe({ type: "layout-shift", buffered: true });
      });
      await page.reload();
      await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
      await type(page, "SET hello world");
      await page.waitForTimeout(1500);
      await page.locator("[data-do=language]").click();
      await page.waitForTimeout(500);
      const shift = await page.evaluate(() => window.shift);
      assert.ok(shift <= 0.02, `${shift}`);
      return shift.toFixed(3);
    }),
  "M19 from key to letter, from click to light": () =>
    on(desktop, async (page) => {
      await page.evaluate(() => {
        window.slow = [];
        new PerformanceObserver((list) => list.getEntries().forEach((e) => window.slow.push(e.duration))).observe({ type: "event", durationThreshold: 16, buffered: true });
      });
      await page.getByTestId("console-input").focus();
      await page.keyboard.type("SET hello world", { delay: 40 });
      await page.keyboard.press("Enter");
      await page.waitForTimeout(600);
      await page.locator(".output .input button").first().click();
      await page.waitForTimeout(400);
      const slow = await page.evaluate(() => window.slow.sort((a, b) => a - b));
      const p95 = slow[Math.floor(slow.length * 0.95)] ?? 16;
      return `p95 ${p95} ms (aim 50 and 100)`;
    }),
  "M20 frames with 6 nodes under load": () =>
    on(desktop, async (page) => {
      for (const of of ["m", "m", "r1"]) await line(page, `:add of ${of}`);
      await page.locator("[data-node=r5][data-link=online]").first().waitFor({ state: "attached" });
      await line(page, ":load m 50/s");
      const times = await page.evaluate(
        () => new Promise((done) => {
          const out = [];
          let last = performance.now();
          const frame = (now) => {
            out.push(now - last);
            last = now;
            if (out.length < 240) requestAnimationFrame(frame);
            else done(out.slice(10).sort((a, b) => a - b));
          };
          requestAnimationFrame(frame);
        }));
      const at = (part) => times[Math.floor(times.length * part)].toFixed(1);
      return `median ${at(0.5)} ms, p95 ${at(0.95)} ms (aim 16.7)`;
    }),
  "M21 seeking in 20,000 events": () =>
    on(desktop, async (page) => {
      const events = async () => Number((await page.getByTestId("events").innerText()).replaceAll(/[^\d/]/g, "").split("/")[1]);
      const act = (text) => page.evaluate((text) => {
        document.documentElement.dataset.do = text;
        window.dispatchEvent(new Event("command"));
      }, text);
      await line(page, ":load m 500/s");
      for (let i = 0; i < 60 && (await events()) < 20_000; i++) await act("pass 5");
      await line(page, ":load m 0/s");
      await act("pause");
      const all = await events();
      assert.ok(all >= 20_000, `${all} events`);
      const times = [];
      const places = new Set();
      for (let i = 0; i < 20; i++) {
        const took = await page.evaluate((x) => {
          const from = performance.now();
          document.documentElement.dataset.do = `seek-x ${x}`;
          window.dispatchEvent(new Event("command"));
          return performance.now() - from;
        }, 60 + ((i * 397) % 780));
        times.push(took);
        places.add(await attr(page, "[data-testid=clock]", "data-us"));
      }
      assert.ok(places.size >= 10, `only ${places.size} places were reached`);
      times.sort((a, b) => a - b);
      const memory = (await page.evaluate(() => window.ringsideMemory())) / 2 ** 20;
      assert.ok(memory <= 150, `${memory} MB`);
      return `${all} events, p95 ${times[18].toFixed(0)} ms (aim 50), wasm memory ${memory.toFixed(0)} MB`;
    }),
  "M22 the past is as it was": () =>
    on(desktop, async (page) => {
      const act = (text) => page.evaluate((text) => {
        document.documentElement.dataset.do = text;
        window.dispatchEvent(new Event("command"));
      }, text);
      const state = () => page.evaluate(() => [...document.querySelectorAll(".drawing [data-node], [data-testid=ring]")].map((e) => JSON.stringify(e.dataset)).join() + document.querySelector("[data-testid=clock]").dataset.us);
      await act("pause");
      for (const text of ["SET hello world", ":cut m r1", "INCR hits", ":restore m r1"]) await line(page, text);
      const live = [];
      for (let i = 0; i < 40; i++) {
        await act("step");
        live.push(await state());
      }
      let wrong = 0;
      for (let i = 38; i >= 0; i--) {
        await act("back");
        if ((await state()) !== live[i]) wrong++;
      }
      assert.equal(wrong, 0, `${wrong} of 39 moments differ`);
      return "39 moments, stepped back through";
    }),
  "M23 the same link, the same world": async () => {
    const seen = [];
    for (let i = 0; i < 2; i++) {
      await on(desktop, async (page) => {
        await page.evaluate(() => document.documentElement.dataset.do = "pause");
        await page.evaluate(() => window.dispatchEvent(new Event("command")));
        await page.waitForTimeout(300);
        seen.push([
          await page.evaluate(() => [...document.querySelectorAll(".drawing [data-node]")].map((e) => JSON.stringify(e.dataset)).join()),
          (await page.locator(".stage").screenshot()).toString("base64"),
        ]);
      }, "#" + JSON.parse(readFileSync(new URL("../../www/scenarios.json", import.meta.url)))["partial-resync"]);
    }
    assert.equal(seen[0][0], seen[1][0], "states");
    assert.equal(seen[0][1], seen[1][1], "pictures");
    return "state and picture, twice in Chromium; Firefox: engines.test.mjs";
  },
  "M24 a link brings the moment back": () =>
    on(desktop, async (page) => {
      for (const text of ["SET hello world", ":cut m r1", "SET city Oslo"]) await type(page, text);
      await rest(page);
      const state = (p) => p.evaluate(() => [...document.querySelectorAll(".stage [data-node]")].map((e) => `${e.dataset.node} ${e.dataset.offset} ${e.dataset.keys} ${e.dataset.link}`).sort().join());
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("s");
      const link = await page.locator("#share-link").inputValue();
      assert.match(link, /^http.*#./);
      assert.match(await page.locator("#share-embed").inputValue(), /<iframe src="http[^"]*\?embed#/);
      const was = await state(page);
      const other = await page.context().newPage();
      await other.goto(link);
      await other.locator("[data-node=r2]").first().waitFor({ state: "attached" });
      assert.equal(await state(other), was);
      return `${link.split("#")[1].length} characters`;
    }),
  "M26 the Enter of an input method runs nothing": () =>
    on(desktop, async (page) => {
      const input = page.getByTestId("console-input");
      await input.fill("SET a b");
      const lines = () => page.locator(".output .input").count();
      const press = (init) =>
        input.evaluate((e, init) => e.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init })), init);
      await press({ isComposing: true });
      await press({ keyCode: 229 });
      assert.equal(await lines(), 0, "while composing");
      await press({});
      await until(page, "the line to run", async () => (await lines()) === 1);
      return "2 variants held, the next Enter runs";
    }),
  "M27 no English word in the Chinese page": () =>
    on(desktop, async (page) => {
      const words = await page.evaluate(() => {
        const skip = "[translate=no], [lang=en], code, kbd, noscript, script, style, .logo, .drawing, .lang, .stopped, .timeline, .clock, .packets, .bytes";
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const out = new Set();
        while (walk.nextNode()) {
          if (walk.currentNode.parentElement.closest(skip)) continue;
          for (const w of walk.currentNode.data.match(/[A-Za-z]{3,}/g) ?? []) out.add(w);
        }
        return [...out];
      });
      const allowed = new Set("Redis RDB ACK PING PSYNC CONTINUE FULLRESYNC SET INFO REPLICAOF Tab Space Ctrl Esc Shift Home End CSV RESP JSON rdb iframe Mermaid".split(" "));
      return none(words.filter((w) => !allowed.has(w)));
    }, "?lang=zh"),
  "M27 Redis says the same in both languages": async () => {
    const said = [];
    for (const lang of ["en", "zh"]) {
      await on(desktop, async (page) => {
        for (const text of ["GET nosuch", "FOO", "@r1 SET a b", "CONFIG GET repl-timeout", "WAIT", "LPOP lang", "ROLE"]) await type(page, text);
        said.push(await page.locator(".output .reply > span:first-of-type").allInnerTexts());
      }, `?lang=${lang}`);
    }
    assert.equal(said[0].length, 7, said[0].join());
    assert.deepEqual(said[0], said[1]);
    return "7 replies";
  },
  "M28 the servers' log is Redis's own": async () => {
    const server = ["/usr/bin/redis-server", "/usr/bin/redis-check-rdb"].find((p) => existsSync(p));
    if (!server) return "no redis-server here to read the texts from";
    // What a server can say: the formats in its binary.
    const formats = readFileSync(server, "latin1").split("\0").filter((s) => s.length >= 8 && s.length < 400);
    const asked = formats.map((f) => f.replace(/\n$/, "").split(/%[-+ 0#]*[\d.*]*(?:ll|l|z|h|j)?[a-zA-Z]/).map((p) => p.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")));
    const says = asked.filter((parts) => parts.join("").length >= 6).map((parts) => new RegExp(`^${parts.join("(.+?)")}$`));
    return on(desktop, async (page) => {
      for (const text of ["SET hello world", ":cut m r1", "SET city Oslo", ":restore m r1"]) await line(page, text);
      await until(page, "+CONTINUE", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
      for (const text of [":kill m", "@r1 REPLICAOF NO ONE", "@r2 REPLICAOF 127.0.0.1 6380"]) await line(page, text);
      await page.waitForTimeout(4000);
      const unknown = [];
      let lines = 0;
      await page.locator('.inspector [data-do="page log"]').click();
      for (const node of ["m", "r1", "r2"]) {
        await page.locator(`.inspector .node-pick[data-do="select node:${node}"]`).click();
        await page.waitForTimeout(150);
        for (const text of await page.locator(".log li").evaluateAll((all) => all.map((e) => e.lastElementChild.textContent.trim()))) {
          lines++;
          // "Background saving started by pid %ld": a node here has no process id.
          if (text !== "Background saving started for replication" && !says.some((s) => s.test(text))) unknown.push(text);
        }
      }
      assert.ok(lines > 20, `${lines} lines`);
      none(unknown, "not in the server's binary");
      return `${lines} lines, each a format of ${server}`;
    });
  },
  "M30 the same bytes light up everywhere": () =>
    on(desktop, async (page) => {
      await type(page, "SET hello world");
      await rest(page);
      await page.locator(".output .input button").first().click();
      await page.waitForTimeout(200);
      const lit = { console: ".output li.on", ring: ".ring .cell.on", wire: ".frames .on", hex: ".hex.on", key: ".chip.on" };
      const missing = [];
      for (const [name, selector] of Object.entries(lit)) if ((await page.locator(selector).count()) === 0) missing.push(name);
      none(missing, "not lit");
      return Object.keys(lit).join(", ");
    }),
  "M30 from a command, a packet, a byte range, an event": () =>
    on(desktop, async (page) => {
      await type(page, "SET hello world");
      await type(page, "SET tea mint");
      for (const node of ["r1", "r2"]) await until(page, `both at ${node}`, async () => (await offsetOf(page, node)) === 90);
      const pages = { wire: ".frames .on, .packets .on, .packets .lit", ring: ".backlog .on", sequence: ".sequence .on", keys: ".dataset .on" };
      const show = (name) => page.locator(`.inspector [data-do="page ${name}"]`).click();
      const ways = {
        command: () => page.locator(".output .input button").last().click(),
        packet: async () => (await show("wire"), page.locator(".packets tbody tr:has-text('tea')").first().click()),
        bytes: async () => (await show("ring"), page.locator(".backlog tbody tr:has-text('tea')").first().click()),
        event: async () => (await show("sequence"), page.locator(".sequence .arrow:has-text('tea')").first().dispatchEvent("click")),
      };
      const missing = [];
      for (const [way, choose] of Object.entries(ways)) {
        await choose();
        await page.waitForTimeout(150);
        for (const [name, selector] of Object.entries({ console: ".output li.on", stage: ".ring .cell.on", key: ".chip.on" }))
          if ((await page.locator(selector).count()) === 0) missing.push(`${way}: ${name}`);
        for (const [name, selector] of Object.entries(pages)) {
          await show(name);
          await page.waitForTimeout(100);
          if ((await page.locator(selector).count()) === 0) missing.push(`${way}: page ${name}`);
        }
        await page.evaluate(() => document.activeElement.blur());
        await page.keyboard.press("Escape");
        await page.waitForTimeout(100);
      }
      return none(missing, "not lit") && "console, ring, key, wire, backlog, sequence, keys from each";
    }),
  "M31 one announcement an action": () =>
    on(desktop, async (page) => {
      await rest(page);
      await page.evaluate(() => {
        window.told = [];
        for (const e of document.querySelectorAll("[aria-live=polite], [role=status]"))
          new MutationObserver(() => window.told.push(e.textContent)).observe(e, { childList: true, characterData: true, subtree: true });
      });
      await type(page, "SET hello world");
      await rest(page);
      const told = await page.evaluate(() => window.told);
      assert.equal(told.filter((t) => t === "OK").length, 1, "the reply is told once");
      const longest = Math.max(...told.map((t) => t.length));
      assert.ok(longest <= 120, `${longest} characters`);
      return `${told.length} changes, the longest of ${longest} characters`;
    }),
  "M32 words for the drawing": () =>
    on(desktop, async (page) => {
      await type(page, "SET hello world");
      await written(page);
      await rest(page);
      const told = (await page.locator(".stage-tree").allTextContents()).join(" ").replaceAll(/[\s\u202f]/g, "");
      for (const node of ["m", "r1", "r2"]) assert.ok(told.includes(String(await offsetOf(page, node))), `${node}'s offset`);
      return "tree and caption tell the offsets";
    }),
  "M32 the table has every byte of the ring": () =>
    on(desktop, async (page) => {
      for (const text of ["SET hello world", "INCR hits", "SET tea mint"]) await line(page, text);
      await until(page, "all of it at r2", async () => (await offsetOf(page, "r2")) === 114);
      await page.locator('.switch [data-do="face table"]').click();
      const rows = await page.locator(".face tbody tr").evaluateAll((all) => all.map((e) => e.innerText.replaceAll(/[\s\u202f]+/g, " ")));
      const ranges = rows.flatMap((r) => r.match(/(\d+)–(\d+)/)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
      assert.deepEqual([ranges[0], ranges.at(-1)], [1, 114], rows.join(" | "));
      for (let i = 1; i + 1 < ranges.length; i += 2) assert.equal(ranges[i] + 1, ranges[i + 1], rows.join(" | "));
      return `${ranges.length / 2} rows, bytes 1 to 114; charts: small.test.mjs`;
    }),
  "M33 the system's own colours": () =>
    on({ ...desktop, forcedColors: "active" }, async (page) => {
      await type(page, "SET hello world");
      await rest(page);
      await page.locator(".output .input button").first().click();
      await page.waitForTimeout(200);
      await page.screenshot({ path: "output/forced-colors.png" });
      await page.emulateMedia({ media: "print" });
      await page.screenshot({ path: "output/print.png" });
      const outlined = await page.evaluate(() => getComputedStyle(document.querySelector(".output .on button")).outlineStyle);
      assert.equal(outlined, "solid", "what is selected");
      return "pictures made, selection outlined";
    }),
  "M33 more contrast, and paper, from the dark page": () =>
    on({ ...desktop, colorScheme: "dark", contrast: "more" }, async (page) => {
      const look = (selector, name) => page.locator(selector).first().evaluate((e, name) => getComputedStyle(e)[name], name);
      assert.equal(await look(".console .muted", "color"), await look("body", "color"), "pale words are as dark as others");
      await page.emulateMedia({ media: "print", contrast: "no-preference" });
      assert.deepEqual([await look("html", "backgroundColor"), await look(".story h2", "color")], ["rgb(255, 255, 255)", "rgb(23, 32, 46)"]);
      return "muted is ink; paper is white";
    }, "?theme=dark"),
  "M34 no request after load, no cookie": () =>
    on(desktop, async (page, { context }) => {
      // It is loaded when it has kept itself for a visit without a network (`keep.test.mjs`).
      await page.evaluate(async () => void (await navigator.serviceWorker.ready));
      const asked = [];
      page.on("request", (r) => asked.push(r.url()));
      await context.setOffline(true);
      for (const text of ["SET hello world", ":cut m r1", "SET a b", ":restore m r1"]) await type(page, text);
      await until(page, "+CONTINUE", async () => (await attr(page, "[data-testid=verdict]", "data-outcome")) === "continue");
      assert.deepEqual(asked, []);
      assert.deepEqual(await context.cookies(), []);
      return "0 requests, 0 cookies, offline";
    }),
};

/** First paint and a usable console with a quarter of a CPU and a fast 4G line. */
async function throttled() {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 60, downloadThroughput: (9e6 / 8) * 0.9, uploadThroughput: 1e6 / 8 });
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  const began = Date.now();
  await page.goto(site.url);
  await page.locator("[data-node=r2][data-link=online]").waitFor({ state: "attached" });
  const usable = Date.now() - began;
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  await context.close();
  return `shell ${Math.round(paint)} ms (aim 1000), usable ${usable} ms (aim 2500)`;
}

/** What looks at frames, times and counts of frames: one after another, with nothing beside it. The rest goes two at a time. */
const timed = /^M(1[4-9]|2[01])\b/;

async function row(name) {
  const began = Date.now();
  let value, fails;
  try {
    value = await measures[name]();
  } catch (error) {
    [value, fails] = [error.message.replaceAll(/\s+/g, " ").slice(0, 400), true];
  }
  return { name, fails, value, seconds: (Date.now() - began) / 1000 };
}

test("the measures", { timeout: 900_000 }, async () => {
  const only = process.env.ONLY?.split(",");
  const names = Object.keys(measures).filter((name) => !only || only.includes(name.split(" ")[0]));
  const rows = new Map(names.map((name) => [name]));
  const left = names.filter((name) => !timed.test(name)).values();
  const lane = async () => {
    for (const name of left) rows.set(name, await row(name));
  };
  await Promise.all([lane(), lane()]);
  for (const name of names.filter((name) => timed.test(name))) rows.set(name, await row(name));
  for (const { name, fails, value } of rows.values()) console.log(`${fails ? "FAIL" : "pass"}  ${name}: ${value}`);
  const failed = [...rows.values()].filter((r) => r.fails).map((r) => `${r.name}: ${r.value}`);
  console.log(`measures: ${rows.size - failed.length} of ${rows.size} pass`);
  assert.deepEqual(failed, []);
});
