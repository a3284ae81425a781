import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Layer, Stream } from "effect"
import type { KeptLine, RemainsError, Store } from "../../base/words/Remains.ts"

/** Where a runtime keeps something of an organization besides the database and the data folder. */
export class RuntimeStores extends Context.Tag("@maxcloud/server/RuntimeStores")<
  RuntimeStores,
  {
    /** In the order in which they are erased. */
    readonly stores: ReadonlyArray<Store>
    /** Lines of services that are gone; what services of now have written is told by `Runtime.logs`. */
    readonly linesOfGone: (
      organizationId: OrganizationId,
      isThere: (namespace: string, service: string) => boolean
    ) => Stream.Stream<KeptLine, RemainsError>
  }
>() {}

/** Of a runtime that keeps all in the data folder. */
export const layerNone = Layer.succeed(RuntimeStores, { stores: [], linesOfGone: () => Stream.empty })
