import { comparePositions, type LinePosition, type LogLine, parseTime } from "../../../stores/logs/LogLine.ts"

/** Before all lines. */
const beginning: LinePosition = { t: "1970-01-01T00:00:00.000000000Z", n: 0 }

/** After all lines of its time. */
const endOf = (t: string): LinePosition => ({ t, n: Number.MAX_SAFE_INTEGER })

/** Enough of a pod's uid to tell a service's pods apart. */
const shortOf = (uid: string) => uid.replace(/-/g, "").slice(0, 12)

/** The maximum number of instances in a cursor. Beyond it, a reader that resumes gets the last seconds of the others again. */
const maxNamed = 200

const entry = /^([0-9a-zA-Z]{1,12})@([^~]+)(?:~(\d{1,16}))?$/

interface Named {
  readonly position: LinePosition
  readonly text: string
}

/**
 * A reader's position in the lines of all instances of a service. It has everything up to one line of each named instance, and
 * everything up to `floor` of every other instance. Its text is `LogEntry.cursor`: `1;<floor>;<instance>@<time>~<n>;…`. A single
 * last line isn't enough, because lines of several instances arrive out of order.
 */
export class ReaderPositions {
  #floor = ""
  readonly #named = new Map<string, Named>()
  /** Short uids, cached because they are needed for each line. */
  readonly #shorts = new Map<string, string>()

  /** Undefined if the text isn't a cursor. */
  static parse(text: string): ReaderPositions | undefined {
    const [version, floor, ...named] = text.split(";")
    if (version !== "1" || floor === undefined || (floor !== "" && parseTime(floor) !== floor)) return undefined
    if (named.length > maxNamed) return undefined
    const positions = new ReaderPositions()
    positions.#floor = floor
    for (const one of named) {
      const [, short, t, n = "0"] = entry.exec(one) ?? []
      if (short === undefined || t === undefined || parseTime(t) !== t) return undefined
      positions.#named.set(short, { position: { t, n: Number(n) }, text: one })
    }
    return positions
  }

  /** The reader has everything of all unnamed instances up to this time. Empty: nothing yet. */
  get floor(): string {
    return this.#floor
  }

  /** The reader's last line of an instance, or the time up to which it has everything; undefined if it has nothing. */
  after(uid: string): LinePosition | undefined {
    const named = this.#named.get(this.#short(uid))?.position
    return named ?? (this.#floor === "" ? undefined : endOf(this.#floor))
  }

  /** The reader has everything before this time: the floor, or the named instance that lags furthest behind it. */
  get oldest(): string {
    let oldest = this.#floor
    for (const { position } of this.#named.values()) if (position.t < oldest) oldest = position.t
    return oldest
  }

  has(line: LogLine): boolean {
    const after = this.after(line.uid)
    return after !== undefined && comparePositions(line, after) <= 0
  }

  /** The reader now has this line, and all earlier ones of the same instance. */
  took({ n, t, uid }: LogLine): void {
    this.#name(uid, { n, t })
  }

  /** The reader now has all lines up to this time, of every current and former instance except those that lag. */
  raise(floor: string, lagging: Iterable<string> = []): void {
    if (floor <= this.#floor) return
    const kept = new Set<string>()
    for (const uid of lagging) {
      this.#name(uid, this.after(uid) ?? beginning)
      kept.add(this.#short(uid))
    }
    this.#floor = floor
    for (const [short, { position }] of this.#named) {
      if (position.t <= floor && !kept.has(short)) this.#named.delete(short)
    }
    for (const [uid, short] of this.#shorts) if (!this.#named.has(short)) this.#shorts.delete(uid)
  }

  cursor(): string {
    let text = `1;${this.#floor}`
    for (const named of this.#named.size > maxNamed ? this.#newest() : this.#named.values()) text += `;${named.text}`
    return text
  }

  copy(): ReaderPositions {
    const copy = new ReaderPositions()
    copy.#floor = this.#floor
    for (const [short, named] of this.#named) copy.#named.set(short, named)
    return copy
  }

  #name(uid: string, position: LinePosition): void {
    const short = this.#short(uid)
    const { n, t } = position
    this.#named.set(short, { position, text: `${short}@${t}${n === 0 ? "" : `~${n}`}` })
  }

  #short(uid: string): string {
    const known = this.#shorts.get(uid)
    if (known !== undefined) return known
    const short = shortOf(uid)
    this.#shorts.set(uid, short)
    return short
  }

  #newest(): ReadonlyArray<Named> {
    return [...this.#named.values()].sort((a, b) => comparePositions(b.position, a.position)).slice(0, maxNamed)
  }
}
