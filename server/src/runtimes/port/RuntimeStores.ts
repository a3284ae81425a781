import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Layer, Stream } from "effect"
import type { KeptLine, RemainsError, Store } from "../../base/words/Remains.ts"

/** A runtime's own stores of an organization's data, besides the database and the data folder. */
export class RuntimeStores extends Context.Tag("@maxcloud/server/RuntimeStores")<
  RuntimeStores,
  {
    /** In the order of erasure. */
    readonly stores: ReadonlyArray<Store>
    /** Lines of deleted services. `Runtime.logs` has those of current services. */
    readonly linesOfGone: (
      organizationId: OrganizationId,
      isThere: (namespace: string, service: string) => boolean
    ) => Stream.Stream<KeptLine, RemainsError>
  }
>() {}

/** For a runtime that keeps everything in the data folder. */
export const layerNone = Layer.succeed(RuntimeStores, { stores: [], linesOfGone: () => Stream.empty })
