import type { AppSpecEncoded } from "@maxcloud/config-schema"
import type { ServerProcess } from "../serverProcess.ts"

export type ServiceEncoded = AppSpecEncoded["services"][number]

/** A server on one runtime, with what differs between runtimes when it is asked from outside. */
export interface Harness {
  readonly server: ServerProcess
  /** The program of `server/test/images/workload`, as a service of this runtime names it. */
  readonly workload: Pick<ServiceEncoded, "image" | "source" | "command">
  /** An image that its registry does not have. */
  readonly missingImage: string
  /** Is an image looked up in its registry before it is deployed? */
  readonly looksUpImages: boolean
  /** Where requests to services go, whatever their host. */
  readonly ingress: URL
  /** Do services keep responding while the server is away? */
  readonly servesAlone: boolean
  /** What is still there of an app, by looking behind the server: `pod shop-00001-…`. */
  readonly leftovers: (app: string) => Promise<ReadonlyArray<string>>
  readonly close: () => Promise<void>
}
