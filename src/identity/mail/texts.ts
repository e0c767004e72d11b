/** What mails and text messages say, in the languages of the pages. `{name}` is a placeholder. */
export interface Texts {
  readonly codeSubject: string
  readonly codeText: string
  readonly codeIgnore: string
  /** The whole of a text message. */
  readonly sms: string
  readonly noticeSubject: string
  readonly newDevice: string
  readonly factorAdded: string
  readonly factorRemoved: string
  readonly passwordChanged: string
  readonly when: string
  readonly browser: string
  readonly network: string
  readonly unknown: string
  readonly noticeAdvice: string
}

const en: Texts = {
  codeSubject: 'Your code for {realm}',
  codeText: 'Enter this code to sign in to {realm} as {user}. It works once, within {minutes} minutes.',
  codeIgnore:
    'If you are not signing in right now, somebody knows your password: change it, and give this code to nobody.',
  sms: '{code} is your code for {realm}. Give it to nobody.',
  noticeSubject: 'Security notice of {realm}',
  newDevice: 'Somebody signed in to {realm} as {user} with a browser or from a network that we did not know.',
  factorAdded: 'A new way to prove who you are was set up for {user} at {realm}.',
  factorRemoved: 'A way to prove who you are was removed for {user} at {realm}.',
  passwordChanged: 'The password of {user} at {realm} was changed.',
  when: 'When',
  browser: 'Browser',
  network: 'Network address',
  unknown: 'unknown',
  noticeAdvice:
    'If that was you, there is nothing to do. If not, change your password, sign out everywhere else on your account page, and tell your administrator.',
}

const de: Texts = {
  codeSubject: 'Ihr Code für {realm}',
  codeText:
    'Geben Sie diesen Code ein, um sich bei {realm} als {user} anzumelden. Er gilt einmal, innerhalb von {minutes} Minuten.',
  codeIgnore:
    'Wenn Sie sich gerade nicht anmelden, kennt jemand Ihr Passwort: Ändern Sie es, und geben Sie diesen Code niemandem.',
  sms: '{code} ist Ihr Code für {realm}. Geben Sie ihn niemandem.',
  noticeSubject: 'Sicherheitshinweis von {realm}',
  newDevice:
    'Jemand hat sich bei {realm} als {user} mit einem Browser oder aus einem Netz angemeldet, das wir nicht kannten.',
  factorAdded: 'Für {user} bei {realm} wurde ein neuer Nachweis eingerichtet.',
  factorRemoved: 'Für {user} bei {realm} wurde ein Nachweis entfernt.',
  passwordChanged: 'Das Passwort von {user} bei {realm} wurde geändert.',
  when: 'Wann',
  browser: 'Browser',
  network: 'Netzadresse',
  unknown: 'unbekannt',
  noticeAdvice:
    'Wenn Sie das waren, ist nichts zu tun. Wenn nicht, ändern Sie Ihr Passwort, melden Sie sich auf Ihrer Kontoseite überall sonst ab und sagen Sie es Ihrer Administration.',
}

const fr: Texts = {
  codeSubject: 'Votre code pour {realm}',
  codeText:
    'Saisissez ce code pour vous connecter à {realm} en tant que {user}. Il est valable une fois, pendant {minutes} minutes.',
  codeIgnore:
    'Si vous n’êtes pas en train de vous connecter, quelqu’un connaît votre mot de passe : changez-le et ne donnez ce code à personne.',
  sms: '{code} est votre code pour {realm}. Ne le donnez à personne.',
  noticeSubject: 'Avis de sécurité de {realm}',
  newDevice:
    'Quelqu’un s’est connecté à {realm} en tant que {user} avec un navigateur ou depuis un réseau que nous ne connaissions pas.',
  factorAdded: 'Une nouvelle preuve d’identité a été configurée pour {user} chez {realm}.',
  factorRemoved: 'Une preuve d’identité a été supprimée pour {user} chez {realm}.',
  passwordChanged: 'Le mot de passe de {user} chez {realm} a été changé.',
  when: 'Quand',
  browser: 'Navigateur',
  network: 'Adresse réseau',
  unknown: 'inconnu',
  noticeAdvice:
    'Si c’était vous, il n’y a rien à faire. Sinon, changez votre mot de passe, déconnectez-vous partout ailleurs depuis votre page de compte et prévenez votre administrateur.',
}

const es: Texts = {
  codeSubject: 'Su código para {realm}',
  codeText:
    'Introduzca este código para iniciar sesión en {realm} como {user}. Sirve una vez, durante {minutes} minutos.',
  codeIgnore: 'Si no está iniciando sesión ahora, alguien conoce su contraseña: cámbiela y no dé este código a nadie.',
  sms: '{code} es su código para {realm}. No se lo dé a nadie.',
  noticeSubject: 'Aviso de seguridad de {realm}',
  newDevice: 'Alguien inició sesión en {realm} como {user} con un navegador o desde una red que no conocíamos.',
  factorAdded: 'Se configuró una nueva prueba de identidad para {user} en {realm}.',
  factorRemoved: 'Se eliminó una prueba de identidad de {user} en {realm}.',
  passwordChanged: 'Se cambió la contraseña de {user} en {realm}.',
  when: 'Cuándo',
  browser: 'Navegador',
  network: 'Dirección de red',
  unknown: 'desconocido',
  noticeAdvice:
    'Si fue usted, no tiene que hacer nada. Si no, cambie su contraseña, cierre las demás sesiones en la página de su cuenta y avise a su administrador.',
}

const ja: Texts = {
  codeSubject: '{realm} のコード',
  codeText:
    '{realm} に {user} としてサインインするには、このコードを入力してください。{minutes} 分以内に一度だけ使えます。',
  codeIgnore:
    '今サインインしていない場合は、誰かがあなたのパスワードを知っています。パスワードを変更し、このコードは誰にも教えないでください。',
  sms: '{realm} のコードは {code} です。誰にも教えないでください。',
  noticeSubject: '{realm} からのセキュリティ通知',
  newDevice: '未知のブラウザーまたはネットワークから、{realm} に {user} としてサインインがありました。',
  factorAdded: '{realm} の {user} に新しい本人確認手段が設定されました。',
  factorRemoved: '{realm} の {user} から本人確認手段が削除されました。',
  passwordChanged: '{realm} の {user} のパスワードが変更されました。',
  when: '日時',
  browser: 'ブラウザー',
  network: 'ネットワークアドレス',
  unknown: '不明',
  noticeAdvice:
    'ご自身の操作であれば、何もする必要はありません。心当たりがない場合は、パスワードを変更し、アカウントページで他のセッションをすべて終了し、管理者に連絡してください。',
}

const TEXTS: Readonly<Record<string, Texts>> = { en, de, fr, es, ja }

export interface Wording {
  readonly tag: string
  readonly texts: Texts
}

/** The first of these language tags that we speak, else English. */
export function wordingFor(...tags: readonly (string | undefined)[]): Wording {
  for (const tag of tags) {
    const primary = tag?.split(/[-_]/, 1)[0]?.toLowerCase() ?? ''
    if (Object.hasOwn(TEXTS, primary)) return { tag: primary, texts: TEXTS[primary] ?? en }
  }
  return { tag: 'en', texts: en }
}

/** The text with its placeholders filled in. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
}
