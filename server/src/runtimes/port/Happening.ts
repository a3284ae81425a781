import type { EventData } from "@maxcloud/sdk/api"
import type { ServiceKey } from "./Runtime.ts"

/** The facts of a kind of event that a runtime knows. The rest comes from the service's row. */
type Facts<T extends "instance.restarted" | "instance.evicted" | "image.pulled"> = Omit<
  EventData<T>,
  "app" | "stage" | "service" | "name" | "count"
>

interface Seen {
  readonly key: ServiceKey
  /** Unique forever, and the same in each report of every server: a pod's uid with what happened to it, for example. */
  readonly id: string
  readonly at: Date
}

/** Something that happened to an instance of a service. */
export type Happening =
  | (Seen & { readonly type: "instance.restarted"; readonly facts: Facts<"instance.restarted"> })
  | (Seen & { readonly type: "instance.evicted"; readonly facts: Facts<"instance.evicted"> })
  | (Seen & { readonly type: "image.pulled"; readonly facts: Facts<"image.pulled"> })

/** Older happenings aren't reported: a list may repeat what an earlier server has reported and forgotten. */
export const freshMillis = 10 * 60_000
