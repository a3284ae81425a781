import type { S3Client } from "@aws-sdk/client-s3"
import { proxiedAgents } from "../../base/outbound/proxiedConnections.ts"
import type { ObjectStore } from "./ObjectStore.ts"

export interface S3Options {
  readonly bucket: string
  /** @default us-east-1, which servers other than Amazon's accept */
  readonly region?: string | undefined
  /** URL of a server other than Amazon's. */
  readonly endpoint?: string | undefined
  /** Is the bucket in the path instead of the host? @default true if there's an endpoint */
  readonly pathStyle?: boolean | undefined
  /** Prefix of all keys, without slashes at its ends. */
  readonly prefix?: string | undefined
  /** @default what the AWS SDK finds: environment variables, profiles, the machine's role */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

const named = (cause: unknown, ...names: ReadonlyArray<string>) => cause instanceof Error && names.includes(cause.name)

const connect = async ({
  credentials,
  endpoint,
  pathStyle = endpoint !== undefined,
  region = "us-east-1"
}: S3Options) => {
  const sdk = await import("./s3Sdk.ts")
  const agents = proxiedAgents({ keepAlive: true, maxSockets: 50 }, { proxyChecksAddresses: true })
  const client: S3Client = new sdk.S3Client({
    region,
    requestHandler: { httpAgent: agents.http, httpsAgent: agents.https },
    forcePathStyle: pathStyle,
    maxAttempts: 4,
    // Servers other than Amazon's may not know checksums that an operation doesn't require.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials })
  })
  return { sdk, client }
}
type Connection = Awaited<ReturnType<typeof connect>>

const get = async ({ client, sdk }: Connection, Bucket: string, Key: string) => {
  try {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }))
    return await Body?.transformToByteArray()
  } catch (cause) {
    if (named(cause, "NoSuchKey", "NotFound")) return undefined
    throw cause
  }
}

const list = async ({ client, sdk }: Connection, Bucket: string, begin: string, startAfter: string | undefined) => {
  const files: Array<string> = []
  const folders: Array<string> = []
  let token: string | undefined
  do {
    const page = await client.send(
      new sdk.ListObjectsV2Command({
        Bucket,
        Prefix: begin,
        Delimiter: "/",
        ...(startAfter === undefined ? {} : { StartAfter: `${begin}${startAfter}` }),
        ...(token === undefined ? {} : { ContinuationToken: token })
      })
    )
    for (const { Key = "" } of page.Contents ?? []) files.push(Key.slice(begin.length))
    // Some servers leave out the trailing slash.
    for (const { Prefix = "" } of page.CommonPrefixes ?? []) folders.push(Prefix.slice(begin.length).replace(/\/$/, ""))
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
  // Not every server supports StartAfter.
  return { files: files.filter((name) => name !== "" && name > (startAfter ?? "")).sort(), folders: folders.sort() }
}

const deleteAll = async ({ client, sdk }: Connection, Bucket: string, Prefix: string) => {
  for (;;) {
    // Without a delimiter, and from the beginning each time, because found objects are gone then.
    const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }))
    if (Contents.length === 0) return
    for (const { Key } of Contents) await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }))
  }
}

/** Objects in a bucket (Amazon S3 API, and servers that speak it). The AWS SDK is loaded at the first use. */
export const s3Store = (options: S3Options): ObjectStore => {
  const { bucket, endpoint, prefix } = options
  let connection: Promise<Connection> | undefined
  const connected = () => {
    connection ??= connect(options)
    return connection
  }
  const keyOf = (key: string) => (prefix === undefined || prefix === "" ? key : `${prefix}/${key}`)

  return {
    place: `bucket ${bucket}${endpoint === undefined ? "" : ` at ${endpoint}`}`,
    put: async (key, bytes) => {
      const { client, sdk } = await connected()
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: keyOf(key), Body: bytes }))
    },
    get: async (key) => get(await connected(), bucket, keyOf(key)),
    list: async (folder, startAfter) =>
      list(await connected(), bucket, keyOf(folder === "" ? "" : `${folder}/`), startAfter),
    delete: async (key) => {
      const { client, sdk } = await connected()
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: keyOf(key) }))
    },
    deleteAll: async (folder) => deleteAll(await connected(), bucket, keyOf(`${folder}/`)),
    close: async () => {
      if (connection !== undefined) (await connection).client.destroy()
    }
  }
}
