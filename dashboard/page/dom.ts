/** The element with this id; the page is served whole, so a missing one is a mistake in it. */
export function need<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Touches the document only where something changed. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Sets a custom property, by which the style sheets draw sizes and colours that come from data. */
export function setProperty(element: HTMLElement, name: `--${string}`, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

/** A new element. `attributes` are attributes; the children are elements or text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

type Elements<N extends number, T extends HTMLElement[] = []> = T['length'] extends N
  ? T
  : Elements<N, [...T, HTMLElement]>;

/** All children of an element that the page made itself, so another number of them is a mistake in it. */
export function childrenOf<N extends number>(element: Element, number: N): Elements<N> {
  const { length } = element.children;
  if (length !== number) throw new Error(`<${element.localName}> has ${length} children, not ${number}`);
  return [...element.children] as unknown as Elements<N>;
}

/** An entry of a list of `rows`: a cell for each class. A `dot` shows only what another cell says. */
export const makeRow = (...cells: readonly string[]): HTMLElement =>
  make(
    'li',
    {},
    ...cells.map((name) => make('span', name === 'dot' ? { class: name, 'aria-hidden': 'true' } : { class: name })),
  );

/** Brings a list to one child for each item, making new ones at its end, and pairs them. */
export function paired<T>(
  list: HTMLElement,
  items: readonly T[],
  makeOne: () => HTMLElement,
): { element: HTMLElement; item: T }[] {
  while (list.children.length > items.length) list.lastElementChild?.remove();
  while (list.children.length < items.length) list.append(makeOne());
  return items.map((item, index) => ({ element: list.children[index] as HTMLElement, item }));
}
