import { count } from "../../base/telemetry/processMetrics.ts"
import type { WatchInput } from "./KubeApi.ts"
import type { WatchHappening } from "./watchMachine.ts"

/** How a watch is doing. Times are of `performance.now()`. */
export interface WatchReport {
  /** Plural of the kind. */
  readonly kind: string
  /** undefined: all namespaces. */
  readonly namespace: string | undefined
  /** Its first list has been processed. */
  readonly listed: boolean
  readonly open: boolean
  /** Since when it has been open or not. */
  readonly sinceMillis: number
  /** When the API server last sent a list, an event or a bookmark; at first the watch's start. */
  readonly heardMillis: number
}

/** All watches of one connection to the API server, for metrics and readiness. */
export const makeWatchReports = () => {
  const reports = new Set<WatchReport>()
  return {
    all: (): ReadonlyArray<WatchReport> => [...reports],

    begin: ({ kind: { plural: kind }, namespace }: Pick<WatchInput<unknown>, "kind" | "namespace">) => {
      const start = performance.now()
      let connections = 0
      let now: WatchReport = { kind, namespace, listed: false, open: false, sinceMillis: start, heardMillis: start }
      const become = (change: Partial<WatchReport>) => {
        reports.delete(now)
        now = { ...now, ...change }
        reports.add(now)
      }
      const turn = (open: boolean, at: number) => become(now.open === open ? {} : { open, sinceMillis: at })
      reports.add(now)
      return {
        end: () => {
          reports.delete(now)
        },
        take: ({ type }: WatchHappening) => {
          const at = performance.now()
          if (type === "received") become({ heardMillis: at })
          else if (type === "listed") {
            count("maxcloud_watch_lists_total", { kind })
            become({ listed: true, heardMillis: at })
          } else {
            if (type === "connected" && connections++ > 0) count("maxcloud_watch_reconnects_total", { kind })
            turn(type === "connected", at)
          }
        }
      }
    }
  }
}

export type WatchReports = ReturnType<typeof makeWatchReports>

/** Sums and maxima over the watches of each kind. */
export const perKind = (
  reports: ReadonlyArray<WatchReport>,
  valueOf: (report: WatchReport) => number,
  combine: (a: number, b: number) => number = (a, b) => a + b
) => {
  const values = new Map<string, number>()
  for (const report of reports) {
    const before = values.get(report.kind)
    values.set(report.kind, before === undefined ? valueOf(report) : combine(before, valueOf(report)))
  }
  return [...values].map(([kind, value]) => ({ labels: { kind }, value }))
}
