import type { startServer } from "./accountServer.ts"

/** People of a server, created over HTTP; each call comes from a separate network. */
export const makePeople = ({ fromLog, request }: Awaited<ReturnType<typeof startServer>>) => {
  let networks = 0
  const network = () => `2001:db8:${(++networks).toString(16)}::1`

  const answered = async (
    status: number,
    method: string,
    path: string,
    options: { readonly token?: string; readonly body?: unknown }
  ) => {
    const answer = await request(method, `/api/v1${path}`, { address: network(), ...options })
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  const must = async (...call: Parameters<typeof answered>) => (await answered(...call)).body
  const listed = async (path: string, token: string) => (await answered(200, "GET", path, { token })).items
  /** The owner of a new organization, with a session. */
  const owner = async (email: string, organization: string) => {
    const { token } = await must(201, "POST", "/auth/register", { body: { email, organization } })
    const link = await fromLog(/\/auth\/verify\?token=([\w-]+)/)
    await must(200, "POST", "/auth/verify", { body: { token: link } })
    return String(token)
  }
  /** A new member, with a session. */
  const member = async (by: string, email: string, role: string) => {
    await must(201, "POST", "/auth/invites", { token: by, body: { email, role } })
    const token = await fromLog(/accept-invite\?token=([\w-]+)/)
    const { token: session, user } = await must(201, "POST", "/auth/accept-invite", { body: { token } })
    return { session: String(session), userId: String(Object(user)["id"]) }
  }
  return { network, must, listed, owner, member }
}
