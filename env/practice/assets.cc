// Style sheet and script shared by all practice sites.
#include "env/practice/html.h"

namespace proctor::env::practice {

std::string_view StyleSheet() {
  return R"css(
:root { --accent: #2a5d84; --ink: #1f2933; --line: #d5dce3; --soft: #f4f6f8; }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, "DejaVu Sans", Arial, sans-serif; color: var(--ink); background: #fff; }
body.shop { --accent: #8a4b20; } body.wiki { --accent: #2a5d84; } body.mail { --accent: #a02c3f; }
body.forum { --accent: #2f6b3c; } body.booking { --accent: #5b3f8c; }
header.site { background: var(--accent); color: #fff; padding: 10px 24px; display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; }
header.site a { color: #fff; text-decoration: none; }
header.site .brand { font-weight: 700; font-size: 20px; }
header.site nav { display: flex; flex-wrap: wrap; gap: 4px 14px; }
header.site form { margin-left: auto; display: flex; gap: 6px; align-items: center; }
header.site .field { margin: 0; } header.site label { position: absolute; left: -9999px; }
main { max-width: 1040px; margin: 0 auto; padding: 16px 24px 40px; }
h1 { font-size: 26px; margin: 8px 0 12px; } h2 { font-size: 19px; margin: 18px 0 8px; } h3 { font-size: 16px; margin: 12px 0 4px; }
a { color: var(--accent); }
footer { border-top: 1px solid var(--line); color: #66727f; padding: 12px 24px; font-size: 13px; }
table { border-collapse: collapse; margin: 10px 0; } caption { text-align: left; font-weight: 600; padding: 4px 0; }
th, td { border: 1px solid var(--line); padding: 5px 10px; text-align: left; vertical-align: top; }
thead th, .facts th { background: var(--soft); }
table.data { width: 100%; } .infobox { float: right; margin: 0 0 12px 20px; max-width: 340px; }
.cards { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; padding: 0; list-style: none; }
.cards li { border: 1px solid var(--line); border-radius: 6px; padding: 10px; }
.swatch { display: block; height: 44px; border-radius: 4px; margin-bottom: 8px; }
.price { font-weight: 600; } .muted { color: #66727f; font-size: 13px; } .unread { font-weight: 700; }
.columns { display: flex; gap: 24px; align-items: flex-start; } .columns > .side { flex: 0 0 220px; } .columns > .wide { flex: 1; min-width: 0; }
.field { margin: 8px 0; } .field label { display: block; font-weight: 600; margin-bottom: 2px; }
.choice { margin: 3px 0; } .choice label { margin-left: 6px; }
input[type=text], input[type=search], input[type=email], input[type=number], input[type=date], input[type=time], select, textarea {
  font: inherit; padding: 5px 8px; border: 1px solid #aab4be; border-radius: 4px; min-width: 200px; max-width: 100%; }
textarea { width: 100%; } input[type=number] { min-width: 80px; }
button { font: inherit; padding: 5px 12px; border: 1px solid #aab4be; border-radius: 4px; background: var(--soft); cursor: pointer; }
button.primary { background: var(--accent); border-color: var(--accent); color: #fff; } header.site button.primary { border-color: #fff; }
form.inline { display: inline-block; margin: 2px 4px 2px 0; }
fieldset { border: 1px solid var(--line); border-radius: 4px; margin: 8px 0; }
.notice { background: #e8f4ea; border: 1px solid #a9d0b0; padding: 8px 12px; border-radius: 4px; margin: 8px 0; }
.error { background: #fbeaea; border: 1px solid #dfa8a8; padding: 8px 12px; border-radius: 4px; margin: 8px 0; }
.pager { display: flex; gap: 10px; margin: 12px 0; } .pager .current { font-weight: 700; }
[role=tablist] { display: flex; gap: 4px; border-bottom: 1px solid var(--line); margin-top: 16px; }
[role=tab] { border-bottom: none; border-radius: 4px 4px 0 0; } [role=tab][aria-selected=true] { background: #fff; font-weight: 600; }
[role=tabpanel] { padding: 10px 2px; }
.backdrop { position: fixed; inset: 0; background: rgba(20, 28, 36, .45); display: flex; align-items: center; justify-content: center; z-index: 10; }
.modal { background: #fff; border-radius: 8px; padding: 16px 24px 20px; width: 440px; max-width: 92vw; max-height: 90vh; overflow: auto; }
[hidden] { display: none !important; }
.datepicker { position: relative; } .calendar { border: 1px solid var(--line); background: #fff; padding: 10px; width: 300px; border-radius: 6px; }
.calendar .grid { display: grid; grid-template-columns: repeat(7, 1fr); gap: 2px; } .calendar .grid button { padding: 3px 0; }
.calendar .bar { display: flex; justify-content: space-between; align-items: center; margin-bottom: 6px; }
.board { display: flex; gap: 14px; } .lane { flex: 1; min-height: 260px; background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 8px; }
.lane.over { outline: 2px solid var(--accent); } .lane h2 { margin: 2px 4px 8px; }
.tile { background: #fff; border: 1px solid var(--line); border-radius: 4px; padding: 8px; margin: 6px 0; cursor: grab; user-select: none; }
.tile.moving { opacity: .6; outline: 2px dashed var(--accent); }
iframe { width: 100%; height: 430px; border: 1px solid var(--line); border-radius: 6px; }
body.framed main { padding: 8px 14px; }
.post { border: 1px solid var(--line); border-radius: 6px; padding: 8px 14px; margin: 10px 0; }
)css";
}

std::string_view Script() {
  return R"js(
'use strict';
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  for (const form of all('form[data-confirm]')) {
    form.addEventListener('submit', event => { if (!confirm(form.dataset.confirm)) event.preventDefault(); });
  }
  for (const select of all('select[data-submits]')) {
    select.addEventListener('change', () => select.form.requestSubmit());
  }
  for (const tabs of all('.tabs')) {
    const buttons = all('[role=tab]', tabs);
    for (const button of buttons) {
      button.addEventListener('click', () => {
        for (const other of buttons) {
          other.setAttribute('aria-selected', String(other === button));
          document.getElementById(other.getAttribute('aria-controls')).hidden = other !== button;
        }
      });
    }
  }
  for (const opener of all('[data-opens]')) {
    const modal = document.getElementById(opener.dataset.opens);
    opener.addEventListener('click', () => {
      modal.hidden = false;
      const first = modal.querySelector('input:not([type=hidden]), select, textarea, button');
      if (first) first.focus();
    });
    modal.addEventListener('click', event => {
      if (event.target === modal || event.target.matches('[data-closes]')) { modal.hidden = true; opener.focus(); }
    });
    modal.addEventListener('keydown', event => { if (event.key === 'Escape') { modal.hidden = true; opener.focus(); } });
  }

  // Content that is fetched on demand.
  for (const button of all('[data-loads]')) {
    button.addEventListener('click', async () => {
      const target = document.getElementById(button.dataset.into);
      target.textContent = 'Loading…';
      try {
        const reply = await fetch(button.dataset.loads);
        target.innerHTML = await reply.text();
      } catch (error) { target.textContent = 'This could not be loaded. Please try again.'; }
    });
  }

  // Lists that can be filtered as one types.
  for (const input of all('[data-filters]')) {
    const rows = all('tbody tr', document.getElementById(input.dataset.filters));
    input.addEventListener('input', () => {
      const wanted = input.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  }

  const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
                  'November', 'December'];
  for (const picker of all('.datepicker')) {
    const input = picker.querySelector('input');
    const calendar = picker.querySelector('.calendar');
    let [year, month] = picker.dataset.start.split('-').map(Number);
    const two = number => String(number).padStart(2, '0');
    const element = (tag, text, label, action) => {
      const made = document.createElement(tag);
      made.textContent = text;
      if (label) made.setAttribute('aria-label', label);
      if (action) { made.type = 'button'; made.addEventListener('click', action); }
      return made;
    };
    const turn = by => {
      month += by;
      if (month < 1) { month = 12; --year; }
      if (month > 12) { month = 1; ++year; }
      draw();
    };
    const draw = () => {
      const bar = element('div', '');
      bar.className = 'bar';
      bar.append(element('button', '‹', 'Previous month', () => turn(-1)),
                 element('strong', `${months[month - 1]} ${year}`),
                 element('button', '›', 'Next month', () => turn(1)));
      const grid = element('div', '');
      grid.className = 'grid';
      for (const day of ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su']) grid.append(element('span', day));
      const blanks = (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
      for (let i = 0; i < blanks; ++i) grid.append(element('span', ''));
      const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
      for (let day = 1; day <= days; ++day) {
        grid.append(element('button', String(day), `${day} ${months[month - 1]} ${year}`, () => {
          input.value = `${year}-${two(month)}-${two(day)}`;
          calendar.hidden = true;
          input.dispatchEvent(new Event('change', {bubbles: true}));
        }));
      }
      calendar.replaceChildren(bar, grid);
    };
    picker.querySelector('[data-calendar]').addEventListener('click', () => {
      calendar.hidden = !calendar.hidden;
      if (!calendar.hidden) draw();
    });
  }

  // Tiles that are dragged between lanes (or within one): the board sends every move.
  for (const board of all('[data-board]')) {
    let moving = null;
    const laneAt = event => {
      const under = document.elementFromPoint(event.clientX, event.clientY);
      return under && under.closest('.lane');
    };
    board.addEventListener('pointerdown', event => {
      moving = event.target.closest('.tile');
      if (!moving) return;
      moving.classList.add('moving');
      event.preventDefault();
    });
    document.addEventListener('pointermove', event => {
      if (!moving) return;
      for (const lane of all('.lane', board)) lane.classList.toggle('over', lane === laneAt(event));
    });
    document.addEventListener('pointerup', async event => {
      if (!moving) return;
      const tile = moving;
      const lane = laneAt(event);
      moving = null;
      tile.classList.remove('moving');
      for (const other of all('.lane', board)) other.classList.remove('over');
      if (!lane || lane === tile.parentElement) return;
      lane.append(tile);
      await fetch(board.dataset.board, {method: 'POST', body: new URLSearchParams({tile: tile.dataset.id, lane: lane.dataset.id})});
    });
  }
})();
)js";
}

}  // namespace proctor::env::practice
