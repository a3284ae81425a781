import { Effect } from "effect"

/** Loaded with the first deployment: cdk8s costs 13 MB and a tenth of a second, which a server at rest can do without. */
export const synthesis = Effect.promise(() => import("@maxcloud/synth"))
