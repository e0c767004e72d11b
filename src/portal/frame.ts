import type { MessageKey } from './messages/en.ts'
import { LANGUAGES, say, type Language, type MessageParameters } from './messages/language.ts'
import type { Look } from './look.ts'
import type { PublicFiles } from './public-files.ts'
import type { CompiledRealm } from './realms.ts'

/** Hidden fields of a form, or the query of a link: names and values in order. */
export type Pairs = readonly (readonly [name: string, value: string])[]

/** What the layout needs around any page. */
export interface Frame {
  readonly language: Language
  readonly languages: readonly Language[]
  readonly look: Look
  /** Where the language choice leads and what it carries along; `undefined` where there is no choice. */
  readonly languageForm: { readonly action: string; readonly keep: Pairs } | undefined
  /** All styles in the page itself, where `/assets` belongs to an application. */
  readonly inlineCss: string | undefined
  readonly lookUrl: string
  readonly logoUrl: string | undefined
  say(key: MessageKey, parameters?: MessageParameters): string
  asset(name: string): string
}

export interface FrameOptions {
  readonly files: PublicFiles
  readonly realm: CompiledRealm
  readonly language: Language
  readonly languageForm: Frame['languageForm']
}

/** The frame of a page on the login host, where `/assets` and `/theme` are ours. */
export function portalFrame({ files, realm, language, languageForm }: FrameOptions): Frame {
  const look = realm.compiledLook
  return {
    language,
    languages: LANGUAGES,
    look,
    languageForm,
    inlineCss: undefined,
    lookUrl: themeUrl(realm, `look.css?v=${look.version}`),
    logoUrl: look.logo === undefined ? undefined : themeUrl(realm, look.logo),
    say: (key, parameters) => say(language, key, parameters),
    asset: (name) => `/assets/${name}?v=${files.assets.get(name)?.version ?? ''}`,
  }
}

export interface StandaloneOptions {
  readonly look: Look
  readonly language: Language
  readonly css: string
  /** As a data URL. */
  readonly logo: string | undefined
}

/** The frame of a page that stands alone on somebody else's host. */
export function standaloneFrame({ look, language, css, logo }: StandaloneOptions): Frame {
  return {
    language,
    languages: LANGUAGES,
    look,
    languageForm: undefined,
    inlineCss: css,
    lookUrl: '',
    logoUrl: logo,
    say: (key, parameters) => say(language, key, parameters),
    asset: () => '',
  }
}

function themeUrl(realm: CompiledRealm, file: string): string {
  return realm.name === '/' ? `/theme/${file}` : `/theme${realm.name}/${file}`
}
