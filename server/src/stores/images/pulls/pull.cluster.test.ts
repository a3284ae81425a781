import { randomBytes } from "node:crypto"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { OrganizationName, parseAppSpec, productionStage } from "@maxcloud/config-schema"
import { namespaceOf, offlineTenant, synth, synthNamespace } from "@maxcloud/synth"
import { Duration, Effect, Either, Layer, ManagedRuntime, Option, Redacted, Schema, Stream } from "effect"
import { layerTest as database, temporaryDataDir } from "../../../../test/database/layerTest.ts"
import { layerTest as keys } from "../../../../test/keys/layerTest.ts"
import { applyTest, layerTest as cluster, describeCluster } from "../../../../test/kubeApi/testCluster.ts"
import { missingTools } from "../../../../test/registry/missingTools.ts"
import { buildNginxImage } from "../../../../test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../../../test/registry/testRegistry.ts"
import { KubeApi } from "../../../runtimes/kubeApi/KubeApi.ts"
import { kindOf, kinds, pathOf } from "../../../runtimes/kubeApi/kinds.ts"
import { withSecretData } from "../../../runtimes/kubernetes/apply/secretData.ts"
import { layer as audit } from "../../../tenancy/audit/PostgresAudit.ts"
import { Organizations, layer as organizations } from "../../../tenancy/organizations/Organizations.ts"
import { layer as secrets } from "../../secrets/SealedSecrets.ts"
import { Secrets } from "../../secrets/Secrets.ts"
import { RegistryCredentials } from "../credentials/RegistryCredentials.ts"
import { layer as credentials } from "../credentials/SealedCredentials.ts"
import { Images } from "../Images.ts"
import { layer as images } from "../RegistryImages.ts"

const image = "localhost/maxcloud-test/nginx-to-pull:1"

const kept = Layer.unwrapScoped(
  Effect.map(temporaryDataDir, (dataDir) =>
    Layer.mergeAll(secrets({ dataDir }), credentials({ dataDir }), organizations).pipe(
      Layer.provide(Layer.provideMerge(audit(), keys)),
      Layer.provideMerge(database)
    )
  )
)
const insecureRegistries: Array<string> = []
const server = ManagedRuntime.make(
  images({
    insecureRegistries,
    privateRegistries: [],
    unresolvedRegistries: [],
    podSecurity: "baseline",
    platforms: () => Effect.succeed(["linux/amd64"])
  }).pipe(Layer.provideMerge(kept), Layer.provideMerge(cluster))
)

const Container = Schema.Struct({
  name: Schema.String,
  imageID: Schema.String,
  state: Schema.Struct({
    running: Schema.optional(Schema.Unknown),
    waiting: Schema.optional(Schema.Struct({ reason: Schema.String, message: Schema.optional(Schema.String) }))
  })
})
const Pod = Schema.Struct({
  status: Schema.Struct({
    containerStatuses: Schema.optionalWith(Schema.Array(Container), { default: () => [] })
  })
})

/**
 * How the pull of a service's image ends: what's running, or why it waits. A kubelet that doesn't learn of a Secret
 * within a second pulls without it and retries 10 s later: only a pod without credentials is refused permanently.
 */
const pulled = (namespace: string, options: { readonly pullSecret: boolean }) =>
  Effect.flatMap(KubeApi, (api) =>
    api.watch({ kind: kinds.pod, namespace, decode: Schema.decodeUnknownOption(Pod) }).pipe(
      Stream.mapConcat((event) => (event.type === "list" ? event.objects : event.type === "put" ? [event.object] : [])),
      Stream.filterMap(({ status }) => {
        const container = status.containerStatuses.find((containerStatus) => containerStatus.name === "user-container")
        if (container?.state.running !== undefined) return Option.some(`runs ${container.imageID}`)
        const waiting = container?.state.waiting
        return !options.pullSecret && waiting !== undefined && /^(Err|Image|Crash|Create)/.test(waiting.reason)
          ? Option.some(`${waiting.reason}: ${waiting.message}`)
          : Option.none()
      }),
      Stream.runHead,
      Effect.map(Option.getOrElse(() => "no pod")),
      Effect.timeout(Duration.seconds(40))
    )
  )

describeCluster("a private image on the cluster of KUBECONFIG", () => {
  const missing = missingTools("a private image on the cluster", "podman", "docker-registry", "nginx")
  let registry: TestRegistry

  beforeAll(async () => {
    if (missing.length > 0) return
    registry = await startTestRegistry("users")
    insecureRegistries.push(registry.host)
    await buildNginxImage(image, { "/usr/share/nginx/html/once.txt": randomBytes(16).toString("hex") })
    await registry.push(image, "acme/private:1")
    await server.runPromise(Effect.void)
  })
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]()
    await server.dispose()
  })

  /** Deploys the image as an organization of its own, and returns how its pull ends. */
  const deployed = (options: { readonly pullSecret: boolean }) =>
    Effect.gen(function* () {
      const name = OrganizationName.make(`pull-${randomBytes(4).toString("hex")}`)
      const { id } = yield* Effect.flatMap(Organizations, (organizations) => organizations.create(name))
      const registryCredentials = yield* RegistryCredentials
      yield* registryCredentials.set(id, registry.host, testUser.username, Redacted.make(testUser.password))
      const written = `${registry.host}/acme/private:1`
      const spec = Either.getOrThrow(
        parseAppSpec({ app: "shop", services: [{ name: "web", image: written, port: "auto" }] })
      )
      const resolved = yield* Effect.flatMap(Images, (images) => images.resolve({ id, name }, spec))
      expect(resolved.problems).toEqual([])
      const place = { organization: name, app: spec.app, stage: productionStage }
      const tenant = { ...offlineTenant(spec, place), ...options, images: resolved.images }
      const namespace = namespaceOf({ ...place, namespacePrefix: "" })
      const key = { organizationId: id, ...place, namespace }
      const sources = { secrets: yield* Secrets, registryCredentials }
      yield* Effect.addFinalizer(() =>
        Effect.flatMap(KubeApi, (api) =>
          Effect.ignore(api.request({ method: "DELETE", path: pathOf(kinds.namespace, undefined, namespace) }))
        )
      )
      for (const manifest of [...synthNamespace(tenant), ...synth(spec, tenant)]) {
        const kind = kindOf(manifest)
        if (kind === undefined) throw new Error(`no kind for ${manifest.kind}`)
        const filled = yield* withSecretData(key, manifest, sources)
        yield* applyTest(pathOf(kind, namespace, manifest.metadata.name), filled)
      }
      return { pull: yield* pulled(namespace, options), resolved: resolved.images.get(written) }
    })

  const test = (
    name: string,
    effect: Effect.Effect<unknown, unknown, ManagedRuntime.ManagedRuntime.Context<typeof server>>
  ) => it.skipIf(missing.length > 0)(name, () => server.runPromise(effect), 60_000)

  // First: a node keeps what it has pulled, and then asks nobody.
  test(
    "isn't pulled without the organization's credentials",
    Effect.scoped(
      Effect.gen(function* () {
        const { pull } = yield* deployed({ pullSecret: false })
        expect(pull).toMatch(/^(ErrImagePull|ImagePullBackOff): /)
      })
    )
  )

  test(
    "is pulled by digest with them, and has the port that it exposes",
    Effect.scoped(
      Effect.gen(function* () {
        const { pull, resolved } = yield* deployed({ pullSecret: true })
        expect(resolved).toMatchObject({ nonRoot: false, port: 80 })
        expect(resolved?.reference).toMatch(/^127\.0\.0\.1:\d+\/acme\/private@sha256:[0-9a-f]{64}$/)
        const [, digest] = resolved?.reference.split("@") ?? []
        expect(pull).toBe(`runs ${registry.host}/acme/private@${digest}`)
      })
    )
  )
})
