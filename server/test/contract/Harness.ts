import type { AppSpecEncoded } from "@maxcloud/config-schema"
import type { ServerProcess } from "../serverProcess.ts"

export type ServiceEncoded = AppSpecEncoded["services"][number]

/** A server on one runtime, with the differences between runtimes as seen from outside. */
export interface Harness {
  readonly server: ServerProcess
  /** The program of `server/test/images/workload`, as a service of this runtime refers to it. */
  readonly workload: Pick<ServiceEncoded, "image" | "source" | "command">
  /** An image missing from its registry. */
  readonly missingImage: string
  /** Is an image looked up in its registry before it is deployed? */
  readonly looksUpImages: boolean
  /** The address for requests to services, whatever their host. */
  readonly ingress: URL
  /** Do services keep responding while the server is down? */
  readonly servesAlone: boolean
  /** An app's remains, found behind the server's back: `pod shop-00001-…`. */
  readonly leftovers: (app: string) => Promise<ReadonlyArray<string>>
  readonly close: () => Promise<void>
}
