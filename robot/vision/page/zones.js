// Draw zones on a still of the room, by pointer or by keys. Nothing is kept in the browser.
"use strict";

const TEXTS = {
  // nobody native has reviewed the Mongolian yet
  zh: {
    title: "在房间照片上标出位置", what: "要标的是：",
    how: "选好要标的地方，沿着边缘点出各个角，再按“完成这块”。也可以用键盘：方向键移动十字，回车放一个角，退格撤回。照片只在内存里，不会保存。",
    bed: "床", sofa: "沙发、躺椅", floor: "地面", ignore: "不算人的地方（镜子、电视、画像）",
    board: "房间照片，用方向键和回车标角", close_zone: "完成这块", undo: "撤回一个角", drawn: "已标出", save: "保存并关闭",
    remove: "删除", corners: "个角", few: "至少要三个角。", saved: "已保存。可以关闭这个页面了。", failed: "没有保存成功，请再试一次。",
    too_much: "没有保存：“不算人的地方”或“沙发”画得太大，在那里摔倒就没人知道。请只画镜子、电视、画像或沙发本身。", none: "还没有",
  },
  mn: {
    title: "Өрөөний зураг дээр газрыг тэмдэглэх", what: "Юуг тэмдэглэх вэ:",
    how: "Юуг тэмдэглэхээ сонгоод ирмэгийг нь дагуулан өнцөг бүрийг дараад «Энэ хэсгийг дуусгах» дээр дарна уу. Гараар бол: сумаар шилжүүлж, Enter өнцөг тавина, Backspace буцаана. Зураг зөвхөн санах ойд байна, хадгалахгүй.",
    bed: "Ор", sofa: "Буйдан", floor: "Шал", ignore: "Хүн гэж тооцохгүй газар (толь, телевиз, хөрөг)",
    board: "Өрөөний зураг, сум ба Enter-ээр өнцөг тавина", close_zone: "Энэ хэсгийг дуусгах", undo: "Нэг өнцөг буцаах", drawn: "Тэмдэглэсэн", save: "Хадгалаад хаах",
    remove: "Устгах", corners: "өнцөг", few: "Дор хаяж гурван өнцөг хэрэгтэй.", saved: "Хадгаллаа. Энэ хуудсыг хааж болно.", failed: "Хадгалж чадсангүй. Дахин оролдоно уу.",
    too_much: "Хадгалсангүй: «Хүн гэж тооцохгүй газар» эсвэл «Буйдан» хэт том байна, тэнд унавал хэн ч мэдэхгүй. Зөвхөн толь, телевиз, хөрөг, буйданг өөрийг нь тэмдэглэнэ үү.", none: "Одоохондоо алга",
  },
  en: {
    title: "Mark places on a picture of the room", what: "To mark:",
    how: "Choose what to mark, click its corners along the edge, then \"Finish this zone\". By keys: the arrows move the cross, Enter sets a corner, Backspace takes one back. The picture is in memory only and is never saved.",
    bed: "Bed", sofa: "Sofa, couch", floor: "Floor", ignore: "Not people (mirror, television, portrait)",
    board: "Picture of the room; set corners with arrows and Enter", close_zone: "Finish this zone", undo: "Take back a corner", drawn: "Marked", save: "Save and close",
    remove: "Remove", corners: "corners", few: "At least three corners are needed.", saved: "Saved. You can close this page.", failed: "This was not saved. Please try again.",
    too_much: "Not saved: \"Not people\" or \"Sofa\" is too large, and a fall there would reach nobody. Mark the mirror, television, portrait or sofa alone.", none: "nothing yet",
  },
};
const STEP = 0.01;
const byId = (id) => document.getElementById(id);
const board = byId("board"), drawing = byId("drawing");
let zones = [], open = [], cross = null, language = "zh", said = "";

const kind = () => document.querySelector("input[name=kind]:checked").value;
const text = (key) => TEXTS[language][key];

function say(key, wrong = false) {
  said = key;
  byId("message").textContent = key ? text(key) : "";
  byId("message").classList.toggle("wrong", wrong);
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = text("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  board.setAttribute("aria-label", text("board"));
  byId("still").alt = text("board");
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", button.dataset.language === chosen);
  if (said) byId("message").textContent = text(said);
  show();
}

function shape(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  drawing.append(element);
}

function show() {
  drawing.replaceChildren();
  for (const zone of zones) shape("polygon", { class: zone.kind, points: zone.corners.join(" ") });
  if (open.length) shape("polyline", { class: kind(), points: open.join(" ") });
  for (const [x, y] of open) shape("line", { class: "corner " + kind(), x1: x, y1: y, x2: x, y2: y });
  if (cross) for (const style of ["cross dark", "cross"]) {
    shape("line", { class: style, x1: cross[0] - 0.02, y1: cross[1], x2: cross[0] + 0.02, y2: cross[1] });
    shape("line", { class: style, x1: cross[0], y1: cross[1] - 0.03, x2: cross[0], y2: cross[1] + 0.03 });
  }
  const items = zones.map((zone, number) => {
    const item = document.createElement("li"), button = document.createElement("button"), name = document.createElement("span");
    name.textContent = `${text(zone.kind)}: ${zone.corners.length} ${text("corners")}`;
    Object.assign(button, { type: "button", className: "plain", textContent: text("remove") });
    button.setAttribute("aria-label", `${text("remove")}: ${text(zone.kind)}`);
    button.addEventListener("click", () => { zones.splice(number, 1); show(); board.focus(); });
    item.append(name, button);
    return item;
  });
  if (!items.length) items.push(Object.assign(document.createElement("li"), { textContent: text("none") }));
  byId("zones").replaceChildren(...items);
}

function corner(x, y) {
  const inside = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4;
  open.push([inside(x), inside(y)]);
  say("");
  show();
}

function finish() {
  if (open.length < 3) return say("few", true);
  zones.push({ kind: kind(), corners: open });
  open = [];
  say("");
  show();
}

function undo() { open.pop(); show(); }

board.addEventListener("click", (event) => {
  const frame = board.getBoundingClientRect();
  cross = null;
  corner((event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height);
});
board.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 5 * STEP : STEP;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (event.key in moves) {
    cross = (cross || [0.5, 0.5]).map((value, n) => Math.min(1, Math.max(0, value + moves[event.key][n])));
    show();
  } else if (event.key === "Enter") {
    cross = cross || [0.5, 0.5];
    corner(...cross);
  } else if (event.key === "Backspace") undo();
  else return;
  event.preventDefault();
});
byId("close-zone").addEventListener("click", finish);
byId("undo").addEventListener("click", undo);
for (const input of document.querySelectorAll("input[name=kind]")) input.addEventListener("change", () => { open = []; show(); });
for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => speak(button.dataset.language));
byId("save").addEventListener("click", async () => {
  if (open.length >= 3) finish();
  else if (open.length) return say("few", true);
  const body = { bed: [], sofa: [], floor: [], ignore: [] };
  for (const zone of zones) body[zone.kind].push(zone.corners);
  try {
    const answer = await fetch("zones.json", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.status === 422) return say("too_much", true);
    if (!answer.ok) throw new Error();
    say("saved");
    for (const button of document.querySelectorAll("main button")) button.disabled = true;
  } catch { say("failed", true); }
});

speak("zh");
fetch("zones.json").then((answer) => answer.json()).then((drawn) => {
  zones = Object.entries(drawn).flatMap(([kind, polygons]) => polygons.map((corners) => ({ kind, corners })));
  show();
}).catch(() => say("failed", true));
