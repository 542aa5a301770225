// The colours of the style sheet, as numbers: their contrasts, and how far apart the roles are for every kind of eye.
import { readFileSync } from "node:fs";

const sheet = readFileSync(new URL("../../www/style.css", import.meta.url), "utf8") + readFileSync(new URL("../../www/stage.css", import.meta.url), "utf8");

function tokens(theme) {
  const all = sheet.matchAll(/--([\w-]+):\s*(?:light-dark\()?(#[0-9a-f]{3,8})(?:, (#[0-9a-f]{3,8})\))?;/g);
  return Object.fromEntries([...all].map(([, name, light, dark = light]) => [name, theme === "light" ? light : dark]));
}

function rgb(hex) {
  const h = hex.slice(1);
  const full = h.length === 3 ? [...h].map((c) => c + c).join("") : h;
  return [0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16) / 255);
}

const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = (hex) => {
  const [r, g, b] = rgb(hex).map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};

// Machado, Oliveira and Fernandes 2009, severity 1.
const eyes = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function oklab(hex, eye) {
  const seen = rgb(hex).map(linear);
  const [r, g, b] = eyes[eye].map((row) => Math.min(1, Math.max(0, row[0] * seen[0] + row[1] * seen[1] + row[2] * seen[2])));
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

const surfaces = ["stage", "margin", "card"];
const words = ["ink", "muted", "problem", "caution"];
const shapes = ["edge", "master", "replica", "sub", "problem", "caution", "focus"];

export const palette = {
  /** The lowest contrast of text and of shapes, and what is below 4.5 and 3. */
  contrasts() {
    const [failed, all] = [[], { text: 99, graphics: 99 }];
    for (const theme of ["light", "dark"]) {
      const t = tokens(theme);
      const pair = (kind, least, front, back) => {
        const c = contrast(t[front], t[back]);
        all[kind] = Math.min(all[kind], c);
        if (c < least) failed.push(`${theme}: ${front} on ${back} ${c.toFixed(2)}`);
      };
      for (const back of surfaces) {
        for (const front of words) pair("text", 4.5, front, back);
        for (const front of shapes) pair("graphics", 3, front, back);
      }
      pair("text", 4.5, "hl-on", "hl");
      pair("text", 4.5, "muted", "hl-soft");
      pair("text", 4.5, "ink", "hl-soft");
      pair("text", 4.5, "ink", "sunken");
      for (const n of [1, 2, 3, 4]) pair("text", 4.5, `bead-label-${n}`, `bead-${n}`);
    }
    return { ...all, failed };
  },
  /** The smallest distance of two roles, over all eyes. */
  distance(theme) {
    const t = tokens(theme);
    const roles = ["master", "replica", "sub", "problem"];
    let least = Infinity;
    for (const eye of Object.keys(eyes)) {
      const labs = roles.map((r) => oklab(t[r], eye));
      for (let i = 0; i < labs.length; i++)
        for (let j = 0; j < i; j++) least = Math.min(least, 100 * Math.hypot(...labs[i].map((x, k) => x - labs[j][k])));
    }
    return least;
  },
};
