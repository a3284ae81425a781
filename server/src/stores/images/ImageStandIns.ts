import { isAbsolute, resolve } from "node:path"
import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import { Context, Effect, ParseResult, Schema } from "effect"
import { parseImageName, writeImageName } from "../../base/words/imageName.ts"
import { ServerError } from "../../base/words/ServerError.ts"

/** The instance whose request a handler answers: its data is what a container of the image would get. */
export interface StandInInstance {
  /** Including secret values, link addresses, and `PORT`. */
  readonly env: Readonly<Record<string, string>>
  /** The contents of `files`, by path. */
  readonly files: Readonly<Record<string, string>>
}

/** Answers a service's requests in place of its image. */
export type StandInHandler = (request: Request, instance: StandInInstance) => Response | Promise<Response>

/** A program that runs in place of an image. */
export interface StandInCommand {
  /** Replaces the config's `command` and `args`. It must listen on `PORT`. */
  readonly command: readonly [string, ...Array<string>]
  /** @default this process's folder */
  readonly cwd?: string | undefined
}

/** What a test runs in place of an image. */
export type ImageStandIn = StandInHandler | StandInCommand

/** The stand-in of an image, as a config writes it. */
export type FindStandIn = (image: string) => ImageStandIn | undefined

/**
 * The stand-ins passed to `embedded()`; undefined in every other server. No setting sets it: starting a server with
 * settings can't run something else under an image's name.
 */
export class ImageStandIns extends Context.Reference<ImageStandIns>()("@maxcloud/server/ImageStandIns", {
  defaultValue: (): FindStandIn | undefined => undefined
}) {}

const isHandler = (value: unknown): value is StandInHandler => typeof value === "function"

const StandIns = Schema.Record({
  key: Schema.String,
  value: Schema.Union(
    Schema.declare(isHandler),
    Schema.Struct({ command: Schema.NonEmptyArray(Schema.NonEmptyString), cwd: Schema.optional(Schema.String) })
  ).annotations({
    message: () => ({
      message: "Give a function that handles requests, or { command: [program, …], cwd }.",
      override: true
    })
  })
})
const decode = Schema.decodeUnknown(
  StandIns.pipe(
    Schema.filter((images) =>
      Object.keys(images)
        .filter((name) => parseImageName(name) === undefined)
        .map((name) => ({
          path: [],
          message: `"${name}" isn't an image. Write it as in the config ("ghcr.io/acme/api:1"), or without its tag to match all of its tags.`
        }))
    )
  ),
  { errors: "all", onExcessProperty: "error" }
)

/** An image without a tag or a digest matches all with this name. */
const repositoryOf = (image: string): string | undefined => {
  const name = parseImageName(image)
  return name && `${name.registry}/${name.repository}`
}

const keyOf = (image: string): string | undefined => {
  const last = image.slice(image.lastIndexOf("/") + 1)
  if (!last.includes(":") && !last.includes("@")) return repositoryOf(image)
  const name = parseImageName(image)
  return name && writeImageName(name)
}

/** Parses a test's stand-ins. The more specific name wins: one with a tag over one without. */
export const readStandIns = (images: Readonly<Record<string, ImageStandIn>>): Effect.Effect<FindStandIn, ServerError> =>
  decode(images).pipe(
    Effect.mapError((error) => {
      const said = ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) =>
        [path.map(String).join("."), message].filter((text) => text !== "").join(": ")
      )
      return new ServerError({ reason: "setting", message: `embedded({ images }): ${said.join(" ")}` })
    }),
    Effect.map((read) => {
      const byName = new Map(
        Object.entries(read).map(([name, standIn]) => [
          keyOf(name),
          isHandler(standIn) ? standIn : { ...standIn, cwd: folderOf(standIn.cwd) }
        ])
      )
      return (image) => {
        const name = parseImageName(image)
        return name && (byName.get(writeImageName(name)) ?? byName.get(repositoryOf(image)))
      }
    })
  )

const folderOf = (cwd = ".") => (isAbsolute(cwd) ? cwd : resolve(cwd))

/** Problems and warnings about a config's stand-ins. */
export const standInIssues = (spec: AppSpec, find: FindStandIn | undefined) => {
  const problems: Array<SpecIssue> = []
  const warnings: Array<SpecIssue> = []
  for (const [index, { files, image, protocol }] of spec.services.entries()) {
    const standIn = image === undefined ? undefined : find?.(image)
    if (standIn === undefined) continue
    const path = (field: string) => ["services", index, field]
    warnings.push({
      path: path("image"),
      message: "isn't run, because this test gave `embedded()` a stand-in for it. Its digest isn't looked up"
    })
    if (isHandler(standIn) && protocol === "h2c")
      problems.push({
        path: path("protocol"),
        message:
          "uses h2c, but its image's stand-in is a function, which is called over HTTP/1.1. Give a `command` instead"
      })
    if (!isHandler(standIn) && Object.keys(files).length > 0)
      warnings.push({
        path: path("files"),
        message: "aren't mounted for a stand-in that's a `command`. Use a function, which gets them"
      })
  }
  return { problems, warnings }
}
