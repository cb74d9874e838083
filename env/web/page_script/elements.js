// Which elements are interactive, and how each is described. The order of a description's fields is the server's
// (page_reply.cc).

const kInteractiveRoles = new Set([
  'button', 'checkbox', 'combobox', 'link', 'menuitem', 'menuitemcheckbox', 'menuitemradio', 'option', 'radio', 'searchbox', 'slider', 'spinbutton', 'switch', 'tab', 'textbox', 'treeitem',
]);

const kStates = {
  checked: 1, selected: 2, expanded: 3, collapsed: 4, disabled: 5, readonly: 6, required: 7, invalid: 8, focused: 9, pressed: 10, multiple: 11,
};

const kTextInputs = new Set(['', 'text', 'search', 'email', 'url', 'tel', 'password', 'number', 'date', 'datetime-local', 'month', 'time', 'week']);

function isEditable(element) {
  if (element.localName === 'input') return kTextInputs.has(element.type) && !element.disabled && !element.readOnly;
  if (element.localName === 'textarea') return !element.disabled && !element.readOnly;
  return element.isContentEditable;
}

// A label stands for its control where the control itself cannot be seen (styled check boxes, file pickers).
function hiddenControl(label) {
  const control = label.control;
  if (!control || control.type === 'hidden') return null;
  const box = control.getBoundingClientRect();
  return box.width < 2 || box.height < 2 || !isVisible(control) || getComputedStyle(control).opacity === '0' ? control : null;
}

// By markup: without looking at styles.
function isControl(element, role) {
  switch (element.localName) {
    case 'a': case 'area': if (element.hasAttribute('href')) return true; break;
    case 'button': case 'select': case 'textarea': return true;
    case 'input': return element.type !== 'hidden';
    case 'summary': return element.parentElement?.localName === 'details';
    case 'option': return element.parentElement?.closest('select') === null;
    case 'video': case 'audio': return element.controls;
    case 'label': return hiddenControl(element) !== null;
    case 'html': case 'body': return false;
  }
  if (kInteractiveRoles.has(role)) return true;
  if (element.isContentEditable) return !element.parentElement?.isContentEditable;
  if (element.hasAttribute('onclick') || element.getAttribute('draggable') === 'true') return true;
  return element.hasAttribute('tabindex') && element.tabIndex >= 0;
}

// Something clickable by script only: it has the pointing hand and its parent has not.
function hasOwnPointer(element) {
  if (getComputedStyle(element).cursor !== 'pointer') return false;
  const parent = renderedParent(element);
  return !parent || getComputedStyle(parent).cursor !== 'pointer';
}

function isSized(box) {
  return box.width >= 1 && box.height >= 1;
}

function statesOf(element, focused) {
  const states = [];
  const aria = (name) => element.getAttribute('aria-' + name);
  const control = element.localName === 'label' ? element.control ?? element : element;
  if (control.localName === 'input' && (control.type === 'checkbox' || control.type === 'radio') ? control.checked : aria('checked') === 'true') states.push(kStates.checked);
  if (element.localName === 'option' ? element.selected : aria('selected') === 'true') states.push(kStates.selected);
  const expanded = element.localName === 'summary' ? String(element.parentElement?.open === true) : aria('expanded');
  if (expanded === 'true') states.push(kStates.expanded);
  if (expanded === 'false') states.push(kStates.collapsed);
  if (isDisabled(control)) states.push(kStates.disabled);
  if (((control.localName === 'input' || control.localName === 'textarea') && control.readOnly) || aria('readonly') === 'true') states.push(kStates.readonly);
  if (control.required === true || aria('required') === 'true') states.push(kStates.required);
  if ((aria('invalid') ?? 'false') !== 'false' || (control.willValidate && control.matches(':user-invalid'))) states.push(kStates.invalid);
  if (control === focused) states.push(kStates.focused);
  if (aria('pressed') === 'true') states.push(kStates.pressed);
  if (control.multiple === true) states.push(kStates.multiple);
  return states;
}

function isDisabled(element) {
  return element.matches(':disabled') || element.closest('[aria-disabled="true"]') !== null;
}

function valueOf(element) {
  switch (element.localName) {
    case 'input':
      if (element.type === 'password' || element.type === 'checkbox' || element.type === 'radio') return '';
      if (element.type === 'submit' || element.type === 'reset' || element.type === 'button' || element.type === 'image') return '';
      if (element.type === 'file') return squeeze(Array.from(element.files ?? [], (file) => file.name).join(', '), kMaxValue);
      return element.value.slice(0, kMaxValue).toWellFormed();
    case 'textarea': return element.value.slice(0, kMaxValue).toWellFormed();
    case 'select': return squeeze(Array.from(element.selectedOptions, (option) => option.label).join(', '), kMaxValue);
    case 'progress': case 'meter': return String(element.value);
  }
  if (element.isContentEditable) return squeeze(element.innerText, kMaxValue);
  return squeeze(element.getAttribute('aria-valuetext') ?? element.getAttribute('aria-valuenow'), kMaxValue);
}

// The text that a reader sees at the left: label, row header or previous cell, term, or text just before.
function labelAtLeft(element) {
  const labelled = labelsText(element);
  if (labelled) return squeeze(labelled, kMaxText);
  const cell = element.closest('td, th, dd');
  if (cell?.localName === 'dd') {
    for (let term = cell.previousElementSibling; term; term = term.previousElementSibling) {
      if (term.localName === 'dt') return squeeze(contentText(term, null, 0), kMaxText);
    }
  } else if (cell) {
    const header = cell.parentElement.querySelector(':scope > th');
    if (header && header !== cell) return squeeze(contentText(header, null, 0), kMaxText);
    for (let left = cell.previousElementSibling; left; left = left.previousElementSibling) {
      const text = squeeze(contentText(left, null, 0), kMaxText);
      if (text) return text;
    }
  }
  for (let before = element.previousSibling; before; before = before.previousSibling) {
    if (before.nodeType === Node.TEXT_NODE && before.data.trim()) return squeeze(before.data, kMaxText);
    if (before.nodeType !== Node.ELEMENT_NODE) continue;
    if (!/^(label|span|b|strong|em|i)$/.test(before.localName)) break;
    const text = squeeze(contentText(before, null, 0), kMaxText);
    if (text) return text;
  }
  return '';
}

const round = (number) => Math.round(number * 100) / 100;

// `known` may give the role and name if they were computed before.
function describe(element, box, focused, heading, known) {
  const control = element.localName === 'label' ? hiddenControl(element) ?? element : element;
  const role = known?.role ?? (roleOf(control) || 'generic');
  const name = known?.name ?? nameOf(control, role);
  const plain = kNameFromContent.has(role) && !element.hasAttribute('aria-label') && !element.hasAttribute('aria-labelledby') && element.localName !== 'input';
  const text = element.localName === 'input' || element.localName === 'select' || element.localName === 'textarea' ? '' :
      plain ? squeeze(name, kMaxText) : squeeze(contentText(element, null, 0), kMaxText);
  const options = element.localName === 'select' ?
      Array.from(element.options).slice(0, kMaxOptions).map((option) => squeeze(option.label, kMaxText)) : 0;
  const href = (element.localName === 'a' || element.localName === 'area') && element.hasAttribute('href') ? String(element.href).slice(0, 4000).toWellFormed() : '';
  return [
    idOf(element), role, name, element.localName.slice(0, kMaxWord), text, valueOf(control), statesOf(element, focused),
    round(box.x), round(box.y), round(box.width), round(box.height), isEditable(element) ? 1 : 0, options,
    squeeze(element.getAttribute('placeholder') ?? element.getAttribute('aria-placeholder'), kMaxText), heading, labelAtLeft(element), href,
    control.localName === 'input' ? control.type : '',
    box.right > 0 && box.bottom > 0 && box.x < innerWidth && box.y < innerHeight ? 1 : 0,
  ];
}
