import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredRecord } from '../../../core/log/port.ts';
import { committedIn } from './segments.ts';

/** Files of topics that a fault destroyed: what they held in the end, by which the campaign tells what was gone unread from what was lost. */
export class KeptTopics {
  /** The broker's data folder: on its file system, so that files can be linked. */
  readonly #dataFolder: string;
  readonly #folders: string[] = [];

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
  }

  /** Links the files of a topic that is about to be deleted. What is appended until then is in them, too. */
  async keep(topic: string): Promise<void> {
    const into = await this.#next();
    for (const partition of await partitionFolders(this.#topics, topic)) {
      await mkdir(join(into, partition));
      for (const file of await readdir(join(this.#topics, partition))) {
        if (file.endsWith('.log')) await link(join(this.#topics, partition, file), join(into, partition, file));
      }
    }
  }

  /** Empties the disk of a broker that does not run; it is formatted and holds nothing. */
  async empty(): Promise<void> {
    const into = await this.#next();
    const all = join(into, 'topics');
    await rename(this.#topics, all);
    await mkdir(this.#topics);
    for (const file of ['meta.properties', 'bootstrap.checkpoint'])
      if (existsSync(join(all, file))) await copyFile(join(all, file), join(this.#topics, file));
    for (const name of await readdir(all)) {
      if (/-\d+$/.test(name)) await rename(join(all, name), join(into, name));
    }
  }

  /** The committed records of a topic at each of its ends, by partition in their order. */
  async records(topic: string): Promise<StoredRecord[][]> {
    const partitions: StoredRecord[][] = [];
    for (const folder of this.#folders) {
      for (const name of await partitionFolders(folder, topic)) {
        partitions.push(committedIn(join(folder, name), topic, Number(name.slice(topic.length + 1))));
      }
    }
    return partitions;
  }

  get #topics(): string {
    return join(this.#dataFolder, 'topics');
  }

  async #next(): Promise<string> {
    const folder = join(this.#dataFolder, `kept-${this.#folders.length}`);
    await mkdir(folder);
    this.#folders.push(folder);
    return folder;
  }
}

async function partitionFolders(folder: string, topic: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith(`${topic}-`) && /^\d+$/.test(name.slice(topic.length + 1)));
}
