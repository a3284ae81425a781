import type { Fault } from "../node/guarded.ts"

/** Counters of a front or a link, as plain numbers for metrics. */
export class ProxyCounters {
  /** Exceptions in the proxy's own callbacks. Each ended one exchange, and is a mistake of ours. */
  faults = 0
  readonly #onFault: Fault
  /** Requests for a service, upgrades among them. */
  requests = 0
  /** Requests that have not ended. */
  active = 0
  /** Requests that wait for an instance. */
  held = 0
  /** Times that a request was given to another instance, since the first was gone. */
  retries = 0
  /** Requests whose client went away before the response had ended. */
  aborted = 0
  /** Responses by class of status: `byClass[2]` counts 2xx. */
  readonly byClass: [number, number, number, number, number, number] = [0, 0, 0, 0, 0, 0]

  /** `onFault` logs what was thrown. */
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
