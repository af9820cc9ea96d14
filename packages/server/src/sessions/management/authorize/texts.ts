// Everything the page says, by language. A new language is a new entry.

const en = {
  title: 'Sign in',
  clientWants: (client: string) => `“${client}” asks for access to your account.`,
  clientGoesTo: (place: string) => `Afterwards you go back to ${place}.`,
  clientUnknown: 'This app is not registered here. Go on only if you started this yourself.',
  deviceTitle: 'Connect a device',
  deviceIntroduction: 'Enter the code that your device shows. Go on only if you started this yourself.',
  deviceWants: (client: string) => `The device or app “${client}” asks for access to your account.`,
  deviceCode: 'Code on the device',
  login: 'Account name',
  password: 'Password',
  totp: 'One-time code',
  totpHint: 'From your authenticator app.',
  allow: 'Sign in and allow',
  deny: 'Refuse',
  opensFromApp: 'An app opens this page when you sign in there. Start in the app.',
  problem: 'Something is wrong',
  wrongLogin: 'Account name, password or one-time code is wrong.',
  needTotp: 'This account needs a one-time code as well. Enter your password and the code.',
  missingLogin: 'Enter your account name and your password.',
  forbidden: 'This account may not sign in here.',
  tooMany: 'Too many attempts. Try again later.',
  unavailable: 'Your password cannot be checked at the moment. Try again later.',
  clientRefused: 'This app may not be used with this account.',
  deviceUnknown: 'No device is waiting with this code. It may have expired: start again on the device.',
  deviceAllowed: 'The device is connected. You can close this page.',
  deviceDenied: 'The device was refused. You can close this page.',
  requestWrong: (reason: string) => `The app that sent you here made a mistake: ${reason}`,
  redirectMissing: 'It does not say where to go back to.',
  redirectForeign: 'It wants to go back to an address that it has not registered.',
  responseTypeWrong: 'It asks for a response type other than “code”.',
  challengeWrong: 'Its code challenge is not of method S256.',
  promptNone: 'It wants no questions to be asked, and you are not signed in.',
} as const

export type Texts = { readonly [K in keyof typeof en]: (typeof en)[K] extends string ? string : (typeof en)[K] }

const languages: Readonly<Record<string, Texts>> = { en }

/** The first language of an Accept-Language field (RFC 9110 §12.5.4) that there is; English otherwise. */
export function textsFor(acceptLanguage: string | undefined): { readonly language: string; readonly texts: Texts } {
  for (const range of (acceptLanguage ?? '').split(',').slice(0, 20)) {
    const language = /^\s*([a-z]{2,3})\b/i.exec(range)?.[1]?.toLowerCase() ?? ''
    const texts = Object.hasOwn(languages, language) ? languages[language] : undefined
    if (texts !== undefined) return { language, texts }
  }
  return { language: 'en', texts: en }
}
