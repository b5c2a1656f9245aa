import { exampleOf, type Schema } from './example.ts';
import { Session } from './session.ts';

// Every operation of openapi.json as a form. Text is put in as text, and nothing is kept when the page is closed.

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json'?: { readonly schema: Schema } } };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const session = new Session();

function need<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function showWho(): void {
  need('who').textContent = session.user === undefined ? 'Nobody is signed in.' : `Signed in as ${session.user}.`;
  need('sign-out').hidden = session.user === undefined;
}

need<HTMLFormElement>('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  const password = need<HTMLInputElement>('password');
  void session.signIn(need<HTMLInputElement>('username').value, password.value).then((refused) => {
    password.value = '';
    showWho();
    if (refused !== undefined) need('who').textContent = refused;
  });
});
need('sign-out').addEventListener('click', () => void session.signOut().then(showWho));

function field(id: string, label: string, input: HTMLInputElement | HTMLTextAreaElement): HTMLElement {
  input.id = id;
  return make('div', {}, make('label', { for: id }, label), input);
}

function describe(method: string, path: string, operation: Operation): HTMLElement {
  const id = `${method}-${path.replaceAll(/\W+/g, '-')}`;
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const input = make('input', parameter.required ? { required: '' } : {});
    const row = field(`${id}-${parameter.name}`, `${parameter.name}: ${parameter.schema.description ?? ''}`, input);
    return { parameter, input, row };
  });
  const schema = operation.requestBody?.content['application/json']?.schema;
  const body = schema && make('textarea', { spellcheck: 'false' });
  if (body) body.value = JSON.stringify(exampleOf(schema), null, 2);
  const output = make('pre', { role: 'status', 'aria-label': `Response of ${method} ${path}` });
  const refusals = Object.entries(operation.responses).map(([status, { description }]) => `${status}: ${description}`);
  const form = make(
    'form',
    { id },
    make('p', { class: 'muted' }, operation.description ?? ''),
    ...inputs.map(({ row }) => row),
    ...(body ? [field(`${id}-body`, 'Body', body)] : []),
    make('p', {}, make('button', { type: 'submit' }, 'Send')),
    output,
    make('details', {}, make('summary', {}, 'Responses'), make('pre', {}, refusals.join('\n'))),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const query = new URLSearchParams();
    let target = path;
    for (const { parameter, input } of inputs) {
      if (parameter.in === 'path') target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== '') query.set(parameter.name, input.value);
    }
    const address = query.size === 0 ? target : `${target}?${query}`;
    output.textContent = '…';
    void session.send(method.toUpperCase(), address, body?.value).then(({ status, text }) => {
      output.className = status >= 400 ? 'wrong' : '';
      output.textContent = `${status}\n${text}`;
    });
  });
  const title = make('summary', {}, make('code', {}, `${method.toUpperCase()} ${path}`), ` ${operation.summary}`);
  return make('details', {}, title, form);
}

async function main(): Promise<void> {
  const { paths } = (await (await fetch('/openapi.json')).json()) as ApiDocument;
  const byTag = new Map<string, HTMLElement[]>();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) {
      const [tag = 'other'] = operation.tags ?? [];
      byTag.set(tag, [...(byTag.get(tag) ?? []), describe(method, path, operation)]);
    }
  for (const [tag, operations] of byTag)
    need('operations').append(make('section', {}, make('h2', {}, tag), ...operations));
}

void main();
