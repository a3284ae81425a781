import type { AppSpec } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { NamespaceKey } from "../port/Runtime.ts"
import type { InstanceSpec, Instances } from "./instances/Instance.ts"

/** The organization of this machine's owner, on a server that needs no credential. */
export const localOrganization = "local"

const processesRefused =
  "'sources run as processes of this machine. Only the organization \"local\" on a server without credentials (MAXCLOUD_AUTH=local) may run them. Use an image'"
const inPlaceRefused =
  "a source runs in place only if the server was started for it (`maxcloud dev`). Deploy a snapshot"

const commandRefused =
  "'its stand-in is a command, which runs as a process of this machine. Only the organization \"local\" on a server without credentials (MAXCLOUD_AUTH=local) may run one. Use a function'"

type Kind = InstanceSpec["program"]["kind"]

/** The facts about a program that decide who may run it. */
type Runs = { readonly kind: "image"; readonly image: string } | { readonly kind: Exclude<Kind, "image"> }

/** Why an organization may not run a kind of program on this server; undefined if it may. */
export type Refusal = (key: NamespaceKey, program: Runs) => string | undefined

export const makeRefusal =
  (
    mayRunProcesses: (key: NamespaceKey) => boolean,
    inPlace: boolean,
    standInOf: typeof Instances.Service.standInOf
  ): Refusal =>
  (key, program) => {
    // The organization sets its environment, so running another command as a process isn't any safer.
    if (program.kind === "image")
      return standInOf(program.image) === "command" && !mayRunProcesses(key) ? commandRefused : undefined
    if (!mayRunProcesses(key)) return processesRefused
    return program.kind === "directory" && !inPlace ? inPlaceRefused : undefined
  }

/** The parts of an AppSpec that can't run here, with the path of each fault in the config. */
export const localProblems = (
  refusal: Refusal,
  instances: typeof Instances.Service,
  key: NamespaceKey,
  spec: AppSpec
) =>
  Effect.gen(function* () {
    const missing = yield* Effect.cachedFunction((kind: Kind) => instances.missing(kind, key))
    const found = yield* Effect.forEach(spec.services, (service, index) =>
      Effect.gen(function* () {
        const { image, source } = service
        const program: Runs =
          image === undefined
            ? { kind: source?.directory === undefined ? "snapshot" : "directory" }
            : { kind: "image", image }
        const needsEngine = image === undefined || instances.standInOf(image) === undefined
        const message = refusal(key, program) ?? (needsEngine ? yield* missing(program.kind) : undefined)
        return message === undefined
          ? []
          : [{ path: ["services", index, image === undefined ? "source" : "image"], message }]
      })
    )
    return found.flat()
  })
