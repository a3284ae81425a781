import type { LokiClient } from "./LokiClient.ts"

const millisOfDay = 86_400_000
/** Nodes' clocks may be ahead, by as much as Loki accepts. */
const aheadMillis = 3_600_000
const limitsForMs = 600_000

export const nanosOfMillis = (millis: number) => BigInt(Math.max(0, Math.trunc(millis))) * 1_000_000n

/** How long Loki keeps each tenant's lines. We ask it every ten minutes. */
export class KeptTime {
  readonly #client: LokiClient
  /** The default if Loki doesn't say. */
  readonly #days: number
  readonly #kept = new Map<string, { readonly millis: number; readonly asked: number }>()

  constructor(client: LokiClient, days: number) {
    this.#client = client
    this.#days = days
  }

  /** How far back lines exist, in milliseconds. */
  async millis(tenant: string): Promise<number> {
    const known = this.#kept.get(tenant)
    if (known !== undefined && performance.now() - known.asked < limitsForMs) return known.millis
    const told = await this.#client.retention(tenant).catch(() => undefined)
    const millis = told ?? this.#days * millisOfDay
    this.#kept.set(tenant, { millis, asked: performance.now() })
    return millis
  }

  async range(tenant: string): Promise<{ readonly start: bigint; readonly end: bigint }> {
    return {
      start: nanosOfMillis(Date.now() - (await this.millis(tenant))),
      end: nanosOfMillis(Date.now() + aheadMillis)
    }
  }

  /** The longest known one. */
  get days(): number {
    const longest = Math.max(0, ...[...this.#kept.values()].map((each) => each.millis))
    return longest === 0 ? this.#days : Math.round(longest / millisOfDay)
  }
}
