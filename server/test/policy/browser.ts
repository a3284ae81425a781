/** A browser at its own address that keeps the cookie and sends forms as the last page has shown them. */
export const makeBrowser = (url: string, address: string) => {
  let cookie = ""
  let formToken = ""
  const send = async (path: string, init: RequestInit = {}) => {
    const headers = { cookie, "x-forwarded-for": address, "accept-language": "en" }
    const response = await fetch(new URL(path, url), { ...init, redirect: "manual", headers })
    cookie = response.headers.get("set-cookie")?.split(";", 1)[0] ?? cookie
    const html = await response.text()
    formToken = /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? formToken
    return { status: response.status, html, location: response.headers.get("location") }
  }
  return {
    get: (path: string) => send(path),
    /** Returns the answer; if it redirects, the target is opened too. */
    submit: async (path: string, fields: Readonly<Record<string, string>>) => {
      const answer = await send(path, {
        method: "POST",
        body: new URLSearchParams({ form_token: formToken, ...fields })
      })
      if (answer.status === 303 && answer.location !== null) await send(answer.location)
      return answer
    }
  }
}
