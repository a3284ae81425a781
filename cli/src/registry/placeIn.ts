import { Effect } from "effect"
import type { Cloud } from "../client.ts"

/** The server's own registry, and the prefix of the organization's repositories in it. `host` is null if it has none. */
export const placeIn = (cloud: Cloud) =>
  Effect.map(Effect.all([cloud.info, cloud.organization.get], { concurrency: 2 }), ([{ registry }, { id }]) => ({
    host: registry,
    // Names change, and this id doesn't.
    prefix: `${id}/`
  }))
