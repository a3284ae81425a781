import { InvalidSpec } from "@maxcloud/sdk/api"
import { Layer } from "effect"
import { NetworkVerifier } from "./NetworkVerifier.ts"

const detail =
  "The local runtime has no network to verify: its services share this machine's. Verify an app that runs on Kubernetes."

/** `NetworkVerifier` of a runtime without its own network. */
export const layerNone = Layer.succeed(NetworkVerifier, {
  verify: () => new InvalidSpec({ detail, errors: [] })
})
