import { readFile } from "node:fs/promises"
import { decodeUtf8, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
import { errorCode } from "@maxcloud/sdk/credentials"
import { Effect, Schema } from "effect"
import { CommandFailed } from "../errors/failure.ts"
import { replaceFile } from "../input/replaceFile.ts"

/** The suffix of `docker-credential-maxcloud`. */
const helperName = "maxcloud"

const AnyRecord = Schema.Record({ key: Schema.String, value: Schema.Unknown })

/** What we read of such a file (docker's config.json, containers-auth.json(5)). Everything else is kept as it is. */
const ClientFile = Schema.Struct(
  {
    credHelpers: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.String })),
    auths: Schema.optional(AnyRecord)
  },
  { key: Schema.String, value: Schema.Unknown }
)
type ClientFile = typeof ClientFile.Type

const isClientFile = Schema.is(ClientFile)

/** Not decoded by the schema, which would sort the fields. */
const parse = (text: string): ClientFile | undefined => {
  try {
    const content: unknown = JSON.parse(text)
    return isClientFile(content) ? content : undefined
  } catch {
    return undefined
  }
}

const cannot = (what: "read" | "written", file: string) => (error: unknown) =>
  new CommandFailed({
    tag: "ClientFileUnavailable",
    exit: 1,
    message: `${file} can't be ${what} (${errorCode(error)})`,
    fix: "make it readable and writable for you"
  })

const damaged = (file: string) =>
  new CommandFailed({
    tag: "ClientFileInvalid",
    exit: 1,
    message: `${file} isn't a JSON object as docker and podman write it`,
    fix: `repair it, or rename it: mv ${file} ${file}.damaged`
  })

interface Read {
  readonly content: ClientFile
  /** The indentation of its lines. */
  readonly indent: string
}

/** `undefined`: there is no such file. An empty one is like `{}`. */
const read = (file: string): Effect.Effect<Read | undefined, CommandFailed> =>
  Effect.gen(function* () {
    const bytes = yield* Effect.tryPromise({
      try: () =>
        readFile(file).catch((error: unknown) => {
          if (errorCode(error) === "ENOENT") return undefined
          throw error
        }),
      catch: cannot("read", file)
    })
    if (bytes === undefined) return undefined
    const decoded = decodeUtf8(bytes)
    if ("fault" in decoded) return yield* damaged(file)
    const text = withoutByteOrderMark(decoded.text)
    const indent = /^\{\r?\n([ \t]{1,8})"/.exec(text)?.[1] ?? "\t"
    const content = text.trim() === "" ? {} : parse(text)
    return content === undefined ? yield* damaged(file) : { content, indent }
  })

const textOf = ({ content, indent }: Read) => `${JSON.stringify(content, null, indent)}\n`

const without = <A>(record: Readonly<Record<string, A>>, names: ReadonlyArray<string>) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)))

/** Names our helper for this registry, and removes the password that `docker login` or `podman login` stored for it. */
const added = (content: ClientFile, host: string): ClientFile => {
  const { auths, credHelpers } = content
  return {
    ...content,
    ...(auths === undefined ? {} : { auths: without(auths, [host]) }),
    credHelpers: { ...credHelpers, [host]: helperName }
  }
}

/** Without our helper for these registries; undefined if it has none. */
const removed = (content: ClientFile, hosts: ReadonlyArray<string>): ClientFile | undefined => {
  const { credHelpers = {}, ...rest } = content
  const ours = hosts.filter((host) => credHelpers[host] === helperName)
  if (ours.length === 0) return undefined
  const left = without(credHelpers, ours)
  return Object.keys(left).length === 0 ? rest : { ...content, credHelpers: left }
}

/** Changes the file; returns whether there was anything to change. A file that doesn't exist is created by `added` alone. */
const change = (file: string, edit: (content: ClientFile) => ClientFile | undefined, create: boolean) =>
  Effect.gen(function* () {
    if (!create && (yield* read(file)) === undefined) return false
    let isChanged = false
    yield* replaceFile({
      file,
      isPrivate: false,
      failed: cannot("written", file),
      edit: Effect.map(read(file), (found = { content: {}, indent: "\t" }) => {
        const content = edit(found.content)
        if (content === undefined) return undefined
        isChanged = true
        return textOf({ ...found, content })
      })
    })
    return isChanged
  })

export const addHelper = (file: string, host: string) => change(file, (content) => added(content, host), true)

export const removeHelper = (file: string, hosts: ReadonlyArray<string>) =>
  change(file, (content) => removed(content, hosts), false)
