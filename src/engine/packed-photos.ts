import type { Photos } from "../domain/job.ts";
import type { Photo } from "../domain/photo-view.ts";
import { isRareAt, NUMBERS, packPhoto, type Rare, seqAt, unpackPhoto } from "./packed-photo.ts";

/**
 * Photos whose numbers are in one array. Arrays of plain numbers are bare doubles to V8, as in a Float64Array, without a
 * buffer of its own; they grow by half and 16 numbers, for which 16 photos leave next to nothing unused.
 */
const PHOTOS_A_BLOCK = 16;
/** The ids of fewer photos are searched one by one, which takes less than a table of them. */
const TABLE_FROM = 17;

/**
 * The photos of a job that is kept in memory. Whoever asks for one gets it made anew, as it was `set`: to change it
 * changes nothing here.
 */
export class PackedPhotos implements Photos {
  readonly #ids: string[] = [];
  /** By id; null: there are few. */
  #indexes: Map<string, number> | null = null;
  readonly #fileNames: (string | null)[] = [];
  /** One from the beginning: an array made with one element has room for that one, and not for 17. */
  readonly #blocks: number[][] = [[]];
  /** By index; null: no photo has any. */
  #rare: Map<number, Rare> | null = null;

  get size(): number {
    return this.#ids.length;
  }

  has(photoId: string): boolean {
    return this.#indexOf(photoId) !== -1;
  }

  get(photoId: string): Photo | undefined {
    return this.at(this.#indexOf(photoId));
  }

  set(photoId: string, photo: Photo): void {
    const known = this.#indexOf(photoId);
    const index = known === -1 ? this.#add(photoId) : known;
    this.#fileNames[index] = photo.state.fileName;
    const rare = packPhoto(this.#blockOf(index), startOf(index), photo);
    if (rare === null) {
      this.#rare?.delete(index);
      return;
    }
    this.#rare ??= new Map();
    this.#rare.set(index, rare);
  }

  *values(): Generator<Photo> {
    for (let index = 0; index < this.#ids.length; index += 1) {
      const photo = this.at(index);
      if (photo !== undefined) yield photo;
    }
  }

  /** The photo that was the `index`th to be heard of, from 0; undefined: there are not so many. */
  at(index: number): Photo | undefined {
    const photoId = this.#ids[index];
    if (photoId === undefined) return undefined;
    const [block, start] = [this.#blockOf(index), startOf(index)];
    const rare = isRareAt(block, start) ? (this.#rare?.get(index) ?? null) : null;
    return unpackPhoto(block, start, photoId, this.#fileNames[index] ?? null, rare);
  }

  /** The number of a message that stands of the `index`th photo, which is not made for it; null: there is none such. */
  seqAt(index: number, part: "started" | "last"): number | null {
    return seqAt(this.#blockOf(index), startOf(index), part);
  }

  #indexOf(photoId: string): number {
    return this.#indexes === null ? this.#ids.indexOf(photoId) : (this.#indexes.get(photoId) ?? -1);
  }

  #add(photoId: string): number {
    const index = this.#ids.push(photoId) - 1;
    if (index === this.#blocks.length * PHOTOS_A_BLOCK) this.#blocks.push([]);
    if (this.#indexes !== null) this.#indexes.set(photoId, index);
    else if (index + 1 >= TABLE_FROM) this.#indexes = new Map(this.#ids.map((id, at) => [id, at]));
    return index;
  }

  #blockOf(index: number): number[] {
    return this.#blocks[Math.floor(index / PHOTOS_A_BLOCK)] ?? [];
  }
}

/** Where a photo begins in its block. */
function startOf(index: number): number {
  return (index % PHOTOS_A_BLOCK) * NUMBERS;
}
