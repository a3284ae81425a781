import { writeBytes, writeNumber } from "./protobuf.ts"

/** An answer that Envoy sends instead of passing the request on. */
export interface Denial {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** google.rpc.Code */
const ok = 0
const permissionDenied = 7

/** A CheckResponse of envoy.service.auth.v3 that allows the request unchanged. */
export const allowed: Buffer = Buffer.concat([writeBytes(1, writeNumber(1, ok)), writeBytes(3)])

/** A CheckResponse of envoy.service.auth.v3 that denies the request with this answer. */
export const denied = ({ body, headers, status }: Denial): Buffer =>
  Buffer.concat([
    writeBytes(1, writeNumber(1, permissionDenied)),
    writeBytes(
      2,
      writeBytes(1, writeNumber(1, status)),
      ...Object.entries(headers).map(([key, value]) =>
        writeBytes(2, writeBytes(1, writeBytes(1, key), writeBytes(2, value)))
      ),
      writeBytes(3, body)
    )
  ])
