import type { HistoryKey } from "../LogHistory.ts"
import type { LogLine } from "../LogLine.ts"
import { serviceFolder } from "../serviceFolder.ts"
import type { LokiClient, PushedValue } from "./LokiClient.ts"
import { type Labels, lineLabels } from "./logql.ts"
import { batchesOf, deliver } from "./pushLines.ts"

/**
 * Writes lines to Loki. After a failed write, the accepted lines aren't pushed again with the rest: a rate limit might
 * never let all of them pass.
 */
export class LokiWriter {
  readonly #client: LokiClient
  /** The service folder in which a line is already stored. */
  readonly #accepted = new WeakMap<LogLine, string>()

  constructor(client: LokiClient) {
    this.#client = client
  }

  /** Returns the lines that Loki will never accept. */
  async write(key: HistoryKey, lines: ReadonlyArray<LogLine>) {
    const tenant = this.#client.tenantOf(key.organizationId)
    const lost: Array<{ readonly count: number; readonly why: string }> = []
    const pushing = {
      labels: lineLabels(key),
      push: (to: Labels, values: ReadonlyArray<PushedValue>) => this.#client.push(tenant, to, values),
      lost: (of: ReadonlyArray<LogLine>, why: string) => lost.push({ count: of.length, why })
    }
    const folder = serviceFolder(key)
    const done: Array<LogLine> = []
    try {
      for (const batch of batchesOf(lines.filter((line) => this.#accepted.get(line) !== folder))) {
        await deliver(pushing, batch)
        done.push(...batch)
      }
    } catch (cause) {
      for (const line of done) this.#accepted.set(line, folder)
      throw cause
    }
    return lost
  }
}
