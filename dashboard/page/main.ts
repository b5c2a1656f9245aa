import type { Snapshot } from '../events.ts';
import { Alerts } from './alerts.ts';
import { ByGaps } from './by-gaps.ts';
import { connect } from './connection.ts';
import { need, setAttribute, setText } from './dom.ts';
import { DriftCard } from './drift.ts';
import { DuelCard } from './duel.ts';
import { FactsCard } from './facts.ts';
import { Fields } from './fields.ts';
import { Headline } from './headline.ts';
import { healthOf, sampledText } from './health.ts';
import { Labels } from './labels.ts';
import { Matrix } from './matrix.ts';
import { ModelCard } from './model.ts';
import { ModelChoice } from './model-choice.ts';
import { Layers } from './palette.ts';
import { RecentTable } from './recent.ts';
import { Slider } from './slider.ts';
import { Stages } from './stages.ts';
import { State } from './state.ts';
import { Trends } from './trends.ts';
import { WindowCard } from './window.ts';

const root = document.documentElement;
const state = new State();
const layers = new Layers();
const announce = (text: string) => setText(need('announce'), text);

const headline = new Headline();
const trends = new Trends(state, announce);
const labels = new Labels(state, layers, announce);
const fields = new Fields();
const matrix = new Matrix();
const byGaps = new ByGaps();
const modelCard = new ModelCard();
const duelCard = new DuelCard();
const driftCard = new DriftCard();
const windowCard = new WindowCard(announce);
const recent = new RecentTable(layers);
const stages = new Stages();
const alerts = new Alerts();
const factsCard = new FactsCard();
const slider = root.dataset.controls === 'yes' ? new Slider() : undefined;
const modelChoice = root.dataset.choice === 'yes' ? new ModelChoice() : undefined;

/** Charts never show less. */
const leastSeconds = 30;

let isConnected = true;
let isPaused = false;
let isDue = false;
/** The seconds that the charts show; they are drawn again only when these change. */
let drawn = '';
let announced = '';

connect('/events', {
  snapshot(snapshot) {
    state.begin(snapshot);
    drawn = '';
    soon();
  },
  delta(delta) {
    state.apply(delta);
    soon();
  },
  connected(now) {
    isConnected = now;
    soon();
  },
});

/** Draws with the next frame; a hidden page draws when it is seen again. */
function soon(): void {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    drawHealth();
    if (!isPaused) draw();
  });
}

function drawHealth(): void {
  const { level, text, announcement } = healthOf(state.figures, isConnected);
  setAttribute(need('health'), 'data-level', level);
  setText(need('health-text'), text);
  need('health-text').title = text;
  setText(need('sampled'), state.figures ? sampledText(state.figures) : '');
  if (announced !== announcement && level !== 'wait') {
    announced = announcement;
    announce(announcement);
  }
}

function draw(): void {
  const { figures } = state;
  if (!figures) return;
  setAttribute(root, 'data-truth', figures.score.truth);
  headline.update(figures);
  // The running second is not whole yet.
  const to = Math.floor(figures.at / 1_000) - 1;
  const from = Math.max(to - spanSeconds(), Math.min(firstSecond(figures), to - leastSeconds));
  if (drawn !== `${from} ${to}`) {
    drawn = `${from} ${to}`;
    trends.update(from, to);
    labels.update(from, to);
  }
  fields.update(figures);
  if (figures.score.truth !== 'none') {
    matrix.update(figures);
    byGaps.update(figures);
  }
  modelCard.update(figures);
  driftCard.update(figures);
  setAttribute(root, 'data-windows', figures.windows ? 'yes' : 'no');
  if (figures.windows) windowCard.update(figures, figures.windows);
  setAttribute(root, 'data-duel', figures.duel ? 'yes' : 'no');
  duelCard.update(figures);
  recent.update(figures);
  stages.update(figures);
  if (figures.alerts) alerts.update(figures.alerts);
  if (figures.facts) factsCard.update(figures, figures.facts);
  if (figures.controls) slider?.update(figures.controls.gapRate);
  if (figures.model) modelChoice?.update(figures.model.version);
}

/** When the line started, as far as the page can see: a young line fills its charts. */
function firstSecond({ at }: Snapshot): number {
  let first = Math.floor(at / 1_000);
  for (const second of state.seconds.keys()) first = Math.min(first, second);
  return first;
}

function spanSeconds(): number {
  return Number(document.querySelector<HTMLInputElement>('input[name="span"]:checked')?.value ?? 180);
}

need('span').addEventListener('change', () => {
  drawn = '';
  if (isPaused) draw();
  else soon();
});

const pause = need<HTMLButtonElement>('pause');
pause.addEventListener('click', () => {
  isPaused = !isPaused;
  setText(pause, isPaused ? 'Resume' : 'Pause');
  soon();
});
