import { Effect } from "effect"
import type { Cloud } from "../client.ts"

/**
 * The server's own registry, and the prefix of the organization's repositories in it. `host` is null if it has none.
 * `platforms`: those of the cluster's nodes.
 */
export const placeIn = (cloud: Cloud) =>
  Effect.map(cloud.info, ({ organizationId, platforms, registry }) => ({
    host: organizationId === null ? null : registry,
    platforms,
    // Names change, and this id doesn't.
    prefix: `${organizationId}/`
  }))
