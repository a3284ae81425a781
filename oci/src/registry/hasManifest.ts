import { Effect } from "effect"
import { manifestTypes } from "../documents/mediaTypes.ts"
import type { OciError } from "../OciError.ts"
import { patiently } from "./patience.ts"
import { makeRegistryClient, type Registry } from "./RegistryClient.ts"
import { unexpected } from "./registryErrors.ts"
import { makeDispatcher, type ProxySettings } from "./requests.ts"

/** Whether the registry has a manifest with this digest in the repository. */
export const hasManifest = (
  registry: Registry,
  digest: string,
  proxy: ProxySettings | undefined
): Effect.Effect<boolean, OciError> =>
  Effect.gen(function* () {
    const client = yield* makeRegistryClient(yield* makeDispatcher(proxy), registry)
    const what = `the manifest ${digest}`
    const url = new URL(`manifests/${digest}`, client.base)
    const headers = { accept: manifestTypes.join(", ") }
    const asked = client.send({ method: "HEAD", url, headers }, what)
    const checked = Effect.gen(function* () {
      const answer = yield* asked
      if (answer.status === 200 || answer.status === 404) return answer.status === 200
      return yield* unexpected(answer, client.host, what)
    })
    return yield* patiently(checked)
  }).pipe(Effect.scoped)
