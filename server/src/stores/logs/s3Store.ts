import type { S3Client } from "@aws-sdk/client-s3"
import { proxiedAgents } from "../../base/outbound/proxiedConnections.ts"
import type { ObjectStore } from "./ObjectStore.ts"

export interface S3Options {
  readonly bucket: string
  /** @default us-east-1, which servers other than Amazon's take */
  readonly region?: string | undefined
  /** URL of a server other than Amazon's. */
  readonly endpoint?: string | undefined
  /** Is the bucket in the path instead of the host? @default true where there is an endpoint */
  readonly pathStyle?: boolean | undefined
  /** What all keys begin with, without slashes at its ends. */
  readonly prefix?: string | undefined
  /** @default what the AWS SDK finds: environment variables, profiles, the machine's role */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

const named = (cause: unknown, ...names: ReadonlyArray<string>) => cause instanceof Error && names.includes(cause.name)

/** Objects in a bucket (Amazon S3 API, and servers that speak it). The AWS SDK is loaded at the first use. */
export const s3Store = (options: S3Options): ObjectStore => {
  const { bucket, credentials, endpoint, pathStyle = endpoint !== undefined, prefix, region = "us-east-1" } = options
  const connect = async () => {
    const sdk = await import("./s3Sdk.ts")
    const agents = proxiedAgents({ keepAlive: true, maxSockets: 50 }, { proxyChecksAddresses: true })
    const client: S3Client = new sdk.S3Client({
      region,
      requestHandler: { httpAgent: agents.http, httpsAgent: agents.https },
      forcePathStyle: pathStyle,
      maxAttempts: 4,
      // Servers other than Amazon's may not know checksums that an operation does not demand.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials })
    })
    return { sdk, client }
  }
  let connection: ReturnType<typeof connect> | undefined
  const connected = () => {
    connection ??= connect()
    return connection
  }
  const keyOf = (key: string) => (prefix === undefined || prefix === "" ? key : `${prefix}/${key}`)

  return {
    place: `bucket ${bucket}${endpoint === undefined ? "" : ` at ${endpoint}`}`,
    put: async (key, bytes) => {
      const { client, sdk } = await connected()
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: keyOf(key), Body: bytes }))
    },
    get: async (key) => {
      const { client, sdk } = await connected()
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: keyOf(key) }))
        return await Body?.transformToByteArray()
      } catch (cause) {
        if (named(cause, "NoSuchKey", "NotFound")) return undefined
        throw cause
      }
    },
    list: async (folder, startAfter) => {
      const { client, sdk } = await connected()
      const begin = keyOf(folder === "" ? "" : `${folder}/`)
      const files: Array<string> = []
      const folders: Array<string> = []
      let token: string | undefined
      do {
        const page = await client.send(
          new sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: begin,
            Delimiter: "/",
            ...(startAfter === undefined ? {} : { StartAfter: `${begin}${startAfter}` }),
            ...(token === undefined ? {} : { ContinuationToken: token })
          })
        )
        for (const { Key = "" } of page.Contents ?? []) files.push(Key.slice(begin.length))
        // Some servers leave out the slash at its end.
        for (const { Prefix = "" } of page.CommonPrefixes ?? [])
          folders.push(Prefix.slice(begin.length).replace(/\/$/, ""))
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined
      } while (token !== undefined)
      // Not every server heeds StartAfter.
      return { files: files.filter((name) => name !== "" && name > (startAfter ?? "")).sort(), folders: folders.sort() }
    },
    delete: async (key) => {
      const { client, sdk } = await connected()
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: keyOf(key) }))
    },
    deleteAll: async (folder) => {
      const { client, sdk } = await connected()
      for (;;) {
        // Without a delimiter, and from the beginning each time: what was found is gone then.
        const { Contents = [] } = await client.send(
          new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: keyOf(`${folder}/`) })
        )
        if (Contents.length === 0) return
        for (const { Key } of Contents) await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key }))
      }
    },
    close: async () => {
      if (connection !== undefined) (await connection).client.destroy()
    }
  }
}
