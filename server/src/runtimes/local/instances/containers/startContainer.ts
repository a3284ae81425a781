import { defaultPort } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { ContainerEngine, makeEngineFinder } from "../../../../base/host/containerEngine.ts"
import type { ImageAccess } from "../../../../stores/images/ImageAccess.ts"
import { type Instance, InstanceFailed, type InstanceSpec } from "../Instance.ts"
import { allowedImage } from "../images/allowedImage.ts"
import { type ImageConfig, imageConfig, type RunnableImage } from "../images/imageConfig.ts"
import { makeRevisionImages } from "../images/revisionImages.ts"
import { toFailure } from "../Launched.ts"
import { supervise } from "../probes/supervise.ts"
import type { makeContainers } from "./containers.ts"
import type { NamespaceNetworks } from "./namespaceNetworks.ts"

// Uninterruptible: the spawned container must reach the caller, who alone stops it.
export const uninterruptibly = (launch: () => Promise<Instance>): Effect.Effect<Instance, InstanceFailed> =>
  Effect.tryPromise({ try: launch, catch: toFailure }).pipe(Effect.uninterruptible)

/** The configurations of images, each read once. */
const makeImageConfigs = () => {
  const configs = new Map<string, Promise<ImageConfig>>()
  return (engine: ContainerEngine, id: string, name: string): Promise<ImageConfig> => {
    const known = configs.get(id) ?? imageConfig(engine, id, name)
    configs.set(id, known)
    known.catch(() => configs.delete(id))
    return known
  }
}

/** The image's id, and how long its pull took if it needed one. */
const timed = async (
  engine: ContainerEngine,
  access: typeof ImageAccess.Service,
  image: string,
  known: string | undefined,
  spec: InstanceSpec,
  signal: AbortSignal
): Promise<string> => {
  let begunMs: number | undefined
  const onPulling = () => {
    begunMs ??= performance.now()
  }
  const imageId = await allowedImage(engine, access, image, known, { ...spec, signal, onPulling })
  if (begunMs !== undefined) spec.onPulled?.({ imageId, milliseconds: Math.round(performance.now() - begunMs) })
  return imageId
}

/** Starts instances as containers, from pulled images and from those built by a service's own Dockerfile. */
export const makeContainerStart = (
  detect: ReturnType<typeof makeEngineFinder>,
  containers: ReturnType<typeof makeContainers>,
  networks: NamespaceNetworks,
  access: typeof ImageAccess.Service
) => {
  const configOf = makeImageConfigs()
  const ofRevision = makeRevisionImages()

  const engineOf = async () => {
    const detected = await detect()
    if ("engine" in detected) return detected.engine
    const { fault = false, missing } = detected
    throw new InstanceFailed({
      reason: fault ? "CannotStart" : "NoContainerEngine",
      message: fault ? `Couldn't start the instance. ${missing}` : missing,
      retryable: fault
    })
  }

  /** While its image is pulled, nothing of the instance exists yet, so a caller that no longer wants it needn't wait. */
  const imageOf = (spec: InstanceSpec, image: string, given: string | undefined) => {
    const revision = [spec.organizationId, spec.namespace, spec.service, spec.revision, image].join("\0")
    const found = Effect.tryPromise({
      try: async (signal) => {
        const engine = await engineOf()
        const find = (known: string | undefined) => timed(engine, access, image, known, spec, signal)
        return { engine, id: await ofRevision(revision, given, signal, find) }
      },
      catch: toFailure
    })
    const { apart = (effect) => effect } = spec
    return Effect.interruptible(apart(found)).pipe(Effect.ensuring(Effect.sync(() => spec.onPull?.(undefined))))
  }

  const run = async (engine: ContainerEngine, spec: InstanceSpec, image: RunnableImage) => {
    const { runArgs } = await networks.of(engine, spec)
    return supervise(
      spec,
      () => containers.launch(engine, spec, image, runArgs),
      () => containers.forget(spec.id),
      image.id
    )
  }

  return {
    ofImage: (spec: InstanceSpec, image: string, resolved: string | undefined) =>
      Effect.flatMap(imageOf(spec, image, resolved), ({ engine, id }) =>
        uninterruptibly(async () => {
          const config = await configOf(engine, id, image)
          const ports = spec.port === "auto" ? config.ports : ([spec.port] as const)
          return run(engine, spec, { ...config, name: image, id, ports })
        })
      ),
    /** An image from the service's own Dockerfile. It listens where the Dockerfile says, unless the config sets a port. */
    ofBuilt: (spec: InstanceSpec, id: string) =>
      uninterruptibly(async () => {
        const engine = await engineOf()
        const name = "Dockerfile"
        const config = await configOf(engine, id, name)
        const ports = spec.port === "auto" || spec.port === defaultPort ? config.ports : ([spec.port] as const)
        return run(engine, spec, { ...config, name, id, ports })
      })
  }
}
