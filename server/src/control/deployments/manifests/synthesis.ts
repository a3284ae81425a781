import { Effect } from "effect"

/** Loaded with the first deployment: cdk8s costs 13 MB and a tenth of a second, which an idle server doesn't need. */
export const synthesis = Effect.promise(() => import("@maxcloud/synth"))
