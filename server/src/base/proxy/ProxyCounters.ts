import type { Fault } from "../node/guarded.ts"

/** Counters of a front or a link, as plain numbers for metrics. */
export class ProxyCounters {
  /** Exceptions in the proxy's own callbacks. Each ended one exchange, and is a bug of ours. */
  faults = 0
  readonly #onFault: Fault
  /** Requests for a service, including upgrades. */
  requests = 0
  /** Requests in progress. */
  active = 0
  /** Requests waiting for an instance. */
  held = 0
  /** Retries on another instance because the first was gone. */
  retries = 0
  /** Requests whose client left before the response had ended. */
  aborted = 0
  /** Responses by status class: `byClass[2]` counts 2xx. */
  readonly byClass: [number, number, number, number, number, number] = [0, 0, 0, 0, 0, 0]

  /** `onFault` logs the exception. */
  constructor(onFault: Fault = () => {}) {
    this.#onFault = onFault
  }

  readonly fault: Fault = (cause) => {
    this.faults++
    this.#onFault(cause)
  }

  answered(status: number): void {
    const hundreds = Math.trunc(status / 100)
    if (hundreds === 1 || hundreds === 2 || hundreds === 3 || hundreds === 4 || hundreds === 5) {
      this.byClass[hundreds]++
    }
  }
}
