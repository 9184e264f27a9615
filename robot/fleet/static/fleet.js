// The pages' own script: rows find their place, clocks run, a lost feed is said, a new alarm may sound.
"use strict";

const lost = document.getElementById("lost");
const gone = document.getElementById("gone");
const skew = Date.now() / 1000 - Number(document.body.dataset.now); // this machine's clock against the platform's

// --- rows -----------------------------------------------------------------------------------------------------------
// The feed sends each alarm's row out of band. Before htmx swaps it in by its id, make sure that it stands in its list.
function place(row) {
  const list = document.getElementById(row.dataset.list);
  const next = [...list.querySelectorAll("article")].find((other) => other.id !== row.id && other.dataset.order > row.dataset.order);
  const present = document.getElementById(row.id);
  const typing = document.activeElement && document.activeElement.closest("form");
  const stays = typing || row.dataset.phase !== "raised"; // rows do not jump under a finger
  if (present && present.parentElement === list && stays) return;
  const spot = present || Object.assign(document.createElement("article"), { id: row.id });
  list.insertBefore(spot, next || null);
  if (!present && row.dataset.phase !== "cancelled" && row.dataset.list !== "done") sound("calm" in row.dataset ? 1 : 4);
}

document.body.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (event.detail.type !== "alarm") return;
  const incoming = document.createRange().createContextualFragment(event.detail.data).querySelector("article");
  if (incoming) place(incoming);
});

// --- clocks ---------------------------------------------------------------------------------------------------------
function tickClocks() {
  for (const clock of document.querySelectorAll("time[data-since]")) {
    const seconds = Math.max(0, Math.floor(Date.now() / 1000 - skew - Number(clock.dataset.since)));
    const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
    const hours = Math.floor(seconds / 3600);
    clock.textContent = hours ? `${hours}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
  }
}
setInterval(tickClocks, 1000);
tickClocks();

// --- the feed -------------------------------------------------------------------------------------------------------
// It proves every 5 s that it lives. A quiet feed is a lost one: an old page must never look like a calm night.
let heardAt = Date.now();
function heard() {
  heardAt = Date.now();
  lost.hidden = true;
  if (!gone.hidden) location.reload(); // signed in again in another window: the forms here carry the old session
}
function isLost() {
  lost.hidden = !gone.hidden; // one reason is enough
}

// A session that has ended is said here, and by the bell: the sign-in page would be silent about everything.
function signedOut() {
  if (!gone.hidden) return;
  gone.hidden = false;
  lost.hidden = true;
  sound(4);
}
async function askWhetherSignedIn() {
  try {
    if ((await fetch("/api/me")).status === 401) signedOut();
  } catch { /* out of reach: that is said by "lost" */ }
}
document.body.addEventListener("htmx:sseOpen", (event) => {
  const source = event.detail.source;
  source.addEventListener("health", heard);
  source.addEventListener("resync", () => location.reload());
  source.addEventListener("gone", signedOut);
});
document.body.addEventListener("htmx:sseError", () => {
  isLost();
  askWhetherSignedIn();
});
if (lost) setInterval(() => { if (Date.now() - heardAt > 12000) isLost(); }, 1000);

// --- sound ----------------------------------------------------------------------------------------------------------
// Two tones below 2 kHz, which older ears hear too. Browsers allow sound only after a click, so each page starts silent.
const button = document.getElementById("sound");
let audio = null;

function sound(tones) {
  if (!audio) return;
  [659, 880, 659, 880].slice(0, tones).forEach((pitch, index) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const start = audio.currentTime + index * 0.28;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.4, start + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.26);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.27);
  });
}

function showSound() {
  const on = Boolean(audio) && audio.state === "running";
  button.setAttribute("aria-pressed", String(on));
  button.textContent = on ? button.dataset.on : button.dataset.off;
  document.getElementById("silent").hidden = on;
}

if (button) {
  button.addEventListener("click", async () => {
    if (audio) {
      await audio.close();
      audio = null;
    } else {
      audio = new AudioContext();
      audio.addEventListener("statechange", showSound); // a phone may take the sound away
      await audio.resume();
      sound(2);
    }
    showSound();
  });
  // While somebody is missing, or the desk is signed out, it sounds again, as a desk's bell does.
  setInterval(() => { if (!gone.hidden || document.querySelector('#open [data-phase="raised"]:not([data-calm])')) sound(4); }, 15000);
}
