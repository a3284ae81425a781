import { defaultPort } from "@maxcloud/config-schema"
import { Healthcheck, Volumes } from "@maxcloud/oci"
import { Option, Schema } from "effect"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { type ImageSettings, imageSettings } from "../../../../stores/images/documents/imageSettings.ts"
import { exposedPorts, portsOfExposed } from "../../../../stores/images/documents/portOfExposed.ts"
import { InstanceFailed } from "../Instance.ts"

const Words = Schema.optional(Schema.NullOr(Schema.Array(Schema.String)))
const Inspected = Schema.parseJson(
  Schema.Tuple(
    Schema.Struct({
      Config: Schema.optional(
        Schema.NullOr(
          Schema.Struct({
            Entrypoint: Words,
            Cmd: Words,
            Labels: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown }))),
            ExposedPorts: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown }))),
            Healthcheck: Schema.optional(Schema.NullOr(Healthcheck)),
            Volumes: Schema.optional(Schema.NullOr(Volumes))
          })
        )
      ),
      // Podman has it here, docker in `Config`.
      Healthcheck: Schema.optional(Schema.NullOr(Healthcheck)),
      Annotations: Schema.optional(Schema.NullOr(Schema.Record({ key: Schema.String, value: Schema.Unknown })))
    })
  )
)
const decode = Schema.decodeUnknownOption(Inspected)

/** An image's own configuration. */
export interface ImageConfig {
  readonly entrypoint: ReadonlyArray<string>
  readonly cmd: ReadonlyArray<string>
  /** Ports on which it may answer HTTP according to `EXPOSE`, most likely first. */
  readonly ports: readonly [number, ...Array<number>]
  /** All TCP ports that it exposes, whatever they speak, and whichever port the config sets. */
  readonly exposed: ReadonlyArray<number>
  readonly settings: ImageSettings
}

/** An image on this machine that may run. */
export interface RunnableImage extends ImageConfig {
  readonly name: string
  readonly id: string
}

/**
 * Prefixes of annotations that control container runtimes: runc, crun, Kata, gVisor, CRI-O, CRIU and podman. Podman passes an
 * image's annotations to its runtime, which runs as the server's user.
 */
const runtimeAnnotation =
  /^(org\.systemd\.property\.|org\.criu\.|run\.oci\.|io\.katacontainers\.|dev\.gvisor\.|io\.kubernetes\.|io\.podman\.|io\.containers\.|io\.crun\.|module\.wasm\.|oci\.)/i

/**
 * Labels that podman obeys. A container inherits its image's labels: `podman auto-update`, which root's timer starts, would
 * restart the systemd unit named by an image. `io.containers.capabilities` only removes rights.
 */
const engineLabel = /^(podman_|io\.podman\.|io\.containers\.(?!capabilities$))/i

/** Reads an image on this machine. Fails if it would control the container engine or its runtime. */
export const imageConfig = async (engine: ContainerEngine, id: string, name: string): Promise<ImageConfig> => {
  const { stderr, stdout } = await engine.run(["image", "inspect", "--", id])
  const [decoded] = Option.getOrElse(decode(stdout), () => [])
  if (decoded === undefined)
    throw new InstanceFailed({
      reason: "CannotStart",
      message: `The container engine couldn't inspect the image ${name}: ${stderr.trim().slice(0, 500)}`,
      retryable: true
    })
  const order = Object.keys(decoded.Annotations ?? {}).find((key) => runtimeAnnotation.test(key))
  if (order !== undefined)
    throw new InstanceFailed({
      reason: "ImageRefused",
      message: `Image ${name} has the annotation "${order}", which would control this machine's container runtime. Build it without that annotation.`,
      retryable: false
    })
  const label = Object.keys(decoded.Config?.Labels ?? {}).find((key) => engineLabel.test(key))
  if (label !== undefined)
    throw new InstanceFailed({
      reason: "ImageRefused",
      message: `Image ${name} has the label "${label}", which would control this machine's container engine. Build it without that label.`,
      retryable: false
    })
  const { Cmd, Entrypoint, ExposedPorts, Volumes: volumes } = decoded.Config ?? {}
  const exposed = Object.keys(ExposedPorts ?? {})
  const [port = defaultPort, ...others] = portsOfExposed(exposed)
  return {
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    ports: [port, ...others],
    exposed: exposedPorts(exposed),
    settings: imageSettings(decoded.Config?.Healthcheck ?? decoded.Healthcheck, volumes)
  }
}
