import { setTimeout as sleep } from "node:timers/promises"
import { AppName, OrganizationName, parseAppSpec, productionStage } from "@maxcloud/config-schema"
import type { Client } from "@maxcloud/sdk"
import { OrganizationId } from "@maxcloud/sdk/api"
import { type Manifest, namespaceOf, offlineTenant, synth, synthNamespace } from "@maxcloud/synth"
import { Effect, Either, Layer, ManagedRuntime, Option, Redacted } from "effect"
import { layer as apiLayer } from "../../server/src/runtimes/kubeApi/HttpKubeApi.ts"
import { KubeApi } from "../../server/src/runtimes/kubeApi/KubeApi.ts"
import { makeApply } from "../../server/src/runtimes/kubernetes/apply/makeApply.ts"
import { withSecretData } from "../../server/src/runtimes/kubernetes/apply/secretData.ts"
import { ClusterCache } from "../../server/src/runtimes/kubernetes/cache/ClusterCache.ts"
import { layer as cacheLayer } from "../../server/src/runtimes/kubernetes/cache/WatchedCache.ts"
import type { NamespaceKey } from "../../server/src/runtimes/port/Runtime.ts"
import { Secrets } from "../../server/src/stores/secrets/Secrets.ts"
import {
  clusterBenchmark,
  elapsedSince,
  inFolder,
  keepObjectsOnly,
  kubectl,
  localNamespace,
  newName,
  removeNamespace,
  withClusterServer,
  writeManifests
} from "./cluster.ts"
import { inRounds, median, type Row, seconds, times } from "./measure.ts"

const services = 100
const rounds = 3
const app = AppName.make("shop")
const image = "dev.local/hello:1"

/** The spec of one app. Each service has a Service, a NetworkPolicy, a ServiceAccount and a Secret. `version` changes only the first service. */
const encodedSpec = (version: number) => ({
  app,
  services: Array.from({ length: services }, (_, index) => ({
    name: `s-${index}`,
    image,
    env: { TOKEN: { secret: "TOKEN" }, VERSION: String(index === 0 ? version : 1) }
  }))
})

const secrets = Secrets.of({
  set: () => Effect.die("unused"),
  list: () => Effect.die("unused"),
  page: () => Effect.die("unused"),
  unset: () => Effect.die("unused"),
  importAll: () => Effect.die("unused"),
  copy: () => Effect.die("unused"),
  versions: () => Effect.die("unused"),
  rollback: () => Effect.die("unused"),
  reveal: () => Effect.succeed(Option.some(Redacted.make("a token's value")))
})

const newKey = (): NamespaceKey => {
  const name = newName("bench-apply")
  const place = { organization: OrganizationName.make(name), app, stage: productionStage }
  return {
    organizationId: OrganizationId.make(`org_${"0".repeat(26)}${name.slice(-6)}`),
    ...place,
    namespace: namespaceOf({ ...place, namespacePrefix: "" })
  }
}

const manifestsOf = (key: NamespaceKey, version: number) => {
  const spec = Either.getOrThrowWith(parseAppSpec(encodedSpec(version)), (issues) => new Error(JSON.stringify(issues)))
  const tenant = offlineTenant(spec, key)
  return { namespace: synthNamespace(tenant), app: synth(spec, tenant) }
}

/** The seconds that each of the three applies of a round took. */
interface Taken {
  readonly first: number
  readonly unchanged: number
  readonly changed: number
}

const timed = async (work: () => Promise<unknown> | unknown): Promise<number> => {
  const start = process.hrtime.bigint()
  await work()
  return elapsedSince(start)
}

/** Waits until Knative has looked at each service: its answers to the first apply aren't part of the next one. */
const settled = async (namespace: string) => {
  const seen = () =>
    kubectl([
      "get",
      "services.serving.knative.dev",
      "-n",
      namespace,
      "-o",
      "jsonpath={.items[*].status.observedGeneration}"
    ])
      .split(" ")
      .filter((generation) => generation !== "").length
  for (let look = 0; look < 120 && seen() < services; look++) await sleep(1_000)
  await sleep(3_000)
}

const inTurn = async (namespace: string, work: (version: number) => Promise<unknown> | unknown): Promise<Taken> => {
  const first = await timed(() => work(1))
  await settled(namespace)
  return { first, unchanged: await timed(() => work(1)), changed: await timed(() => work(2)) }
}

/** Applies with max-cloud's own code, like a running server. */
const makeOurs = async () => {
  const runtime = ManagedRuntime.make(Layer.provideMerge(cacheLayer, apiLayer({ source: { type: "standard" } })))
  const { apply } = await runtime.runPromise(
    Effect.gen(function* () {
      const api = yield* KubeApi
      const cache = yield* ClusterCache
      yield* cache.synced
      return yield* makeApply({ api, cache, secrets })
    })
  )
  const applyAll = (key: NamespaceKey, manifests: ReadonlyArray<Manifest>) =>
    runtime.runPromise(apply(key, manifests, { force: false }))
  const round = async () => {
    const key = newKey()
    await applyAll(key, manifestsOf(key, 1).namespace)
    keepObjectsOnly(key.namespace)
    const taken = await inTurn(key.namespace, (version) => applyAll(key, manifestsOf(key, version).app))
    removeNamespace(key.namespace)
    return taken
  }
  return { round, end: () => runtime.dispose() }
}

const kubectlRound = () =>
  inFolder(async (folder) => {
    const key = newKey()
    const filled = (manifests: ReadonlyArray<Manifest>) =>
      Effect.runPromise(Effect.forEach(manifests, (manifest) => withSecretData(key, manifest, { secrets })))
    const applyFile = (file: string) => kubectl(["apply", "--server-side", "--filename", file])
    applyFile(writeManifests(folder, manifestsOf(key, 1).namespace))
    keepObjectsOnly(key.namespace)
    const versions = [await filled(manifestsOf(key, 1).app), await filled(manifestsOf(key, 2).app)]
    const taken = await inTurn(key.namespace, (version) =>
      applyFile(writeManifests(folder, versions[version - 1] ?? []))
    )
    removeNamespace(key.namespace)
    return taken
  })

/** Measures from `deploy` until the server reports that everything is applied. */
const serverRound = async (client: Client) => {
  const stage = newName("b")
  const namespace = localNamespace(app, stage)
  await client.secrets.set(app, "TOKEN", "a token's value", { stage })
  // Create the namespace.
  await client.deploy({ app, services: [{ name: "seed", image }] }, { stage })
  keepObjectsOnly(namespace)
  const taken = await inTurn(namespace, async (version) => {
    const { id } = await client.deploy(encodedSpec(version), { stage, detach: true })
    for await (const event of client.deployments.events(id)) if (event.type === "applied") return
    throw new Error(`the deployment ${id} finished before everything was applied`)
  })
  removeNamespace(namespace)
  return taken
}

type Work = keyof Taken
const goals: Readonly<Record<Work, { readonly title: string; readonly goal: string }>> = {
  first: { title: "applied for the first time", goal: "≤ 0.33 ×" },
  unchanged: { title: "again, nothing changed", goal: "≤ 0.10 ×" },
  changed: { title: "again, one service changed", goal: "≤ 0.20 ×" }
}
const works: ReadonlyArray<Work> = ["first", "unchanged", "changed"]

/** Applying 100 services (first, unchanged, and with one change), compared with `kubectl apply --server-side` of the same manifests. */
export const clusterApplyBenchmark = clusterBenchmark("clusterApply", async () => {
  const applier = await makeOurs()
  const results = await withClusterServer((client) =>
    inRounds(
      rounds,
      async () => ({ applier: await applier.round(), server: await serverRound(client) }),
      async () => {
        const taken = await kubectlRound()
        return { applier: taken, server: taken }
      }
    )
  )
  await applier.end()
  const row = (part: "applier" | "server", work: Work): Row => {
    const middle = (of: (pair: (typeof results)[number]) => number) => median(results.map(of))
    return {
      work: `${part === "applier" ? `apply of ${services} services (${services * 4} objects; a quota keeps Knative from creating revisions)` : "the same from `deploy` through the server until applied"}: ${goals[work].title}`,
      ours: seconds(middle((one) => one.ours[part][work])),
      peer: `\`kubectl apply --server-side\` ${seconds(middle((one) => one.peer[part][work]))}`,
      ratio: times(middle((one) => one.ours[part][work] / one.peer[part][work])),
      goal: goals[work].goal
    }
  }
  return [...works.map((work) => row("applier", work)), ...works.map((work) => row("server", work))]
})
