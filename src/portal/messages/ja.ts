import type { Catalogue } from './en.ts'

export const ja: Catalogue = {
  'login.title': '{realm} にサインイン',
  'login.continue': '{site} に進みます',
  'login.username': 'ユーザー名',
  'login.password': 'パスワード',
  'login.show': 'パスワードを表示',
  'login.submit': 'サインイン',
  'login.next': '次へ',
  'login.busy': 'サインインしています…',
  'login.confirm': 'ご本人の確認',
  'login.code': 'コード',
  'login.cancel': 'キャンセル',
  'login.use-other': '代わりに{module}を使う',

  'failure.bad-credentials': 'ユーザー名とパスワードが一致しません。両方を確認して、もう一度お試しください。',
  'failure.password-expired':
    'このパスワードは期限切れか、使う前に変更が必要です。組織のパスワード管理ページで変更してから、サインインしてください。',
  'failure.throttled': '試行回数が多すぎます。{duration}待ってから、もう一度お試しください。',
  'failure.session-changed': '別のウィンドウでセッションが変わりました。もう一度サインインしてください。',
  'failure.wrong-code': 'このコードは無効か、すでに使用されています。次のコードを待って入力してください。',

  'notice.expired': 'このページを開いたまま時間が経ちすぎました。もう一度サインインしてください。',
  'notice.cookie': 'ブラウザーから Cookie が返されませんでした。{host} の Cookie を許可して、もう一度お試しください。',
  'notice.switch-end':
    '{user} として {realm} にサインインしています。ここでサインインすると、そのセッションは終了します。',
  'notice.switch-keep':
    '{user} として {realm} にサインインしています。ここでサインインすると、そのセッションは使われなくなります。',
  'notice.step-up': '{user} としてサインインしています。{site} ではもう一つの本人確認が必要です。',
  'notice.step-up-here': '{user} としてサインインしています。この操作にはもう一つの本人確認が必要です。',
  'notice.again': '{user} としてサインインしています。別の人としてサインインすると、そのセッションは終了します。',
  'notice.age': '{user} としてサインインしています。前回の確認から時間が経ったため、{site} では再度の確認が必要です。',
  'notice.age-here':
    '{user} としてサインインしています。前回の確認から時間が経ったため、この操作には再度の確認が必要です。',
  'notice.enrol':
    '{user} としてサインインしています。{site} ではもう一つの本人確認が必要ですが、まだ設定されていません。',
  'notice.enrol-here':
    '{user} としてサインインしています。この操作にはもう一つの本人確認が必要ですが、まだ設定されていません。',
  'enrol.title': '認証アプリの設定',
  'enrol.submit': '確認して続ける',
  'enrol.qr': '認証アプリ用の QR コード',
  'enrol.open': 'この端末の認証アプリで開く',
  'enrol.secret': 'または次のキーをアプリに入力してください：',
  'enrol.totp.text': 'スマートフォンの認証アプリで画像を読み取り、表示された 6 桁の数字を入力してください。',
  'login.recovery-code': 'リカバリーコード',
  'login.recovery-confirm': '控えたことを示すため、次のコードのうち一つを入力してください',
  'enrol.recovery.title': 'リカバリーコードを保管してください',
  'enrol.recovery.text':
    'もう一つの確認手段を失ったとき、{realm} でそれぞれ一度だけ代わりに使えます。印刷するか書き留め、ご自分だけが見つけられる場所に保管してください。表示されるのは今回だけです。',
  'enrol.recovery.left': '前回のコードは残り {left} 個です。新しいコードに置き換わります。',
  'enrol.later': '今はしない',
  'failure.wrong-recovery-code':
    'このコードはあなたのものでないか、すでに使われています。確認してもう一度お試しください。',
  'module.recovery': 'リカバリーコード',
  'module.x509': '証明書',
  'module.totp': '認証アプリ',
  'module.password': 'パスワード',

  'quota.title': 'すでに {count} 件のセッションでサインインしています',
  'quota.title-one': 'すでにサインインしています',
  'quota.text':
    '{realm} では {user} はこれ以上同時にサインインできません。ここで続けるには、いずれかのセッションを終了してください。そのセッションで開いているものはすべてサインアウトされます。',
  'quota.end': 'これを終了して続ける',
  'quota.end-name': 'これを終了して続ける：{device}、サインイン：{ago}',
  'quota.cancel': 'サインインしない',
  'session.device': '{system} の {browser}',
  'session.unknown-device': '不明なデバイス',
  'session.since': 'サインイン：{ago}',
  'session.used': '最終使用：{ago}',
  'session.end-name': '{device} のセッション（サインイン：{ago}）を終了',

  'account.title': 'セッション一覧',
  'account.where': '{user} として {realm} にサインイン中',
  'account.this': 'このセッション',
  'account.others': 'その他のセッション（{count} 件）',
  'account.others-text':
    '心当たりのないものがあれば、終了して管理者に連絡してください。パスワードが知られている可能性があります。',
  'account.none': 'ほかにサインインしている場所はありません。',
  'account.end': '終了',
  'account.end-others': 'ほかのすべてでサインアウト',
  'account.ended': 'そのセッションは終了しました。開いていたものはすべてサインアウトされました。',
  'account.ended-others': 'ほかのすべての場所でサインアウトしました。',
  'account.gone': 'そのセッションは一覧にありません。すでに終了した可能性があります。',
  'account.pages': '一覧のページ',
  'account.page': '{page} / {pages} ページ',
  'account.previous': '前のページ',
  'account.next': '次のページ',
  'account.sign-in': 'セッションを見るにはサインインしてください。どこにサインインしますか？',

  'password.title': '新しいパスワードを設定',
  'password.where': '{realm} に {user} としてサインイン中',
  'password.current': '現在のパスワード',
  'password.new': '新しいパスワード',
  'password.again': '新しいパスワード（もう一度）',
  'password.submit': 'パスワードを変更',
  'password.text':
    '{count} 文字以上。文字の種類は問いません。自分だけが思いつく単語の組み合わせは、安全で覚えやすいパスワードになります。',
  'password.must-change': '続ける前にパスワードを変更する必要があります。',
  'password.password-expired': 'パスワードの有効期限が切れました。続けるには新しいパスワードを設定してください。',
  'password.too-short': 'パスワードが短すぎます。{count} 文字以上にしてください。',
  'password.too-long': 'パスワードが長すぎます。{count} 文字以内にしてください。',
  'password.name': '自分の名前を除くと、パスワードが短すぎます。',
  'password.common': '最初に試されるパスワードの一つです。別のものにしてください。',
  'password.unusable': 'パスワードとして使えません。別のものにしてください。',
  'password.used-before': '現在または以前のパスワードです。別のものにしてください。',
  'password.differ': '新しいパスワードの二つの入力が一致しません。もう一度入力してください。',
  'password.wrong': '現在のパスワードが正しくありません。何も変更されていません。',
  'password.stale': 'その間にパスワードが別の場所で変更されました。ここでは何も変更されていません。',
  'password.changed': 'パスワードを変更しました。ほかの場所ではすべてサインアウトされました。',
  'password.elsewhere':
    '{realm} のパスワードはここでは変更できません。別の場所で管理されています。管理者が変更するか、変更できる場所を案内します。',
  'action.password': 'パスワードを変更',

  'home.title': '{user} としてサインインしています',
  'home.realm': '{realm}',
  'home.apps': 'アプリケーション',
  'home.no-apps': '{realm} に接続されているアプリケーションはまだありません。',
  'home.other-user': '別の人としてサインイン',
  'welcome.title': 'サインインしていません',
  'welcome.text': 'どこにサインインしますか？',

  'logout.title': '{realm} からサインアウトしますか？',
  'logout.text': '{user} としてサインインしています。サインアウトすると、{realm} のすべてでセッションが終了します。',
  'logout.text-none':
    '{user} としてサインインしています。サインアウトすると、{realm} のすべてでセッションが終了します。',
  'logout.submit': 'サインアウト',
  'logout.stay': 'サインインしたままにする',
  'logged-out.title': 'サインアウトしました',
  'logged-out.text': '共有のコンピューターでは、ブラウザーも閉じてください。',
  'logged-out.back': '{site} に戻る',
  'logged-out.again': 'もう一度サインイン',

  'error.forbidden.title': 'アクセスできません',
  'error.forbidden.text':
    'サインインしていますが、これを開くことは許可されていません。必要な場合は管理者にお問い合わせください。',
  'error.unreachable.title': 'より強いサインインは利用できません',
  'error.unreachable.text':
    '開こうとしたものには、{realm} で利用できるものより強いサインインが必要です。設定は管理者が変更できます。',
  'error.no-certificate.title': '証明書が必要です',
  'error.no-certificate.text':
    'ここでのサインインには証明書が必要ですが、ブラウザーから提示されませんでした。証明書をインストールするかスマートカードを挿入し、ブラウザーのウィンドウをすべて閉じてからもう一度お試しください。',
  'error.certificate.title': 'この証明書は受け付けられません',
  'error.certificate.text':
    'ブラウザーが提示した証明書を {realm} は受け付けません。有効期限切れ、失効、または該当する利用者がいない可能性があります。理由は管理者が確認できます。',
  'error.unavailable.title': 'しばらくしてからお試しください',
  'error.unavailable.text':
    '現在セッションを確認できません。サインイン済みの場合、その状態は保たれており、何も失われていません。',
  'error.upstream.title': 'アプリケーションが応答しません',
  'error.upstream.text':
    'アプリケーションに接続できません。サインインの問題ではありません。時間をおいてもう一度お試しください。',
  'error.bad-request.title': 'このアドレスは使えません',
  'error.bad-request.text':
    'リクエストがあいまいなため、転送しませんでした。アドレスの入力間違いがないか確認してください。',
  'error.too-large.title': '大きすぎます',
  'error.too-large.text': 'このページが受け付ける量を超えています。戻って、量を減らして送信してください。',
  'error.unknown-host.title': 'ここには何もありません',
  'error.unknown-host.text': 'このアドレスのアプリケーションは登録されていません。入力間違いがないか確認してください。',
  'error.not-found.title': 'このページは存在しません',
  'error.not-found.text': 'アドレスの入力間違いか、ページが移動した可能性があります。',
  'error.method-not-allowed.title': 'ここでは実行できません',
  'error.method-not-allowed.text': 'このアドレスでは、その呼び出し方は許可されていません。',
  'error.cross-site.title': 'このフォームは別の場所から送られました',
  'error.cross-site.text': '安全のため、このサイトのページのフォームだけを受け付けます。何も変更されていません。',
  'error.open-at-top-level.title': '先にサインインしてください',
  'error.open-at-top-level.text': '他のページの中ではサインインできません。独立したウィンドウで開いてください。',
  'error.loop.title': 'サインインが維持されません',
  'error.loop.text': 'サインインしていますが、アプリケーションに伝わりません。繰り返しになる前に停止しました。',
  'error.form-kept.title': '{site} へのフォームの送信を続ける',
  'error.form-kept.text':
    'フォームを送信する前にサインインが必要でした。フォームは保存されており、まだ何も送信されていません。',
  'error.form-not-kept.title': 'フォームは送信されませんでした',
  'error.form-not-kept.text':
    'すでに送信されたか、大きすぎるか古すぎて保存できないか、別の人のものです。もう一度入力してください。',
  'error.internal.title': 'こちら側で問題が発生しました',
  'error.internal.text': 'お客様の操作が原因ではありません。問題は記録されました。もう一度お試しください。',

  'cause.cookie-not-returned':
    'ブラウザーから Cookie が返されませんでした。このアドレスの Cookie を許可して、もう一度お試しください。',
  'cause.two-cookies':
    'ブラウザーが同じ名前の異なる Cookie を 2 つ送っています。このアドレスの Cookie を削除して、もう一度お試しください。',
  'cause.clock': 'このコンピューターかサーバーの時計が合っていません。時計を合わせて、もう一度お試しください。',
  'cause.secure-over-http':
    'このアドレスは http で開かれていますが、Cookie には https が必要です。https:// で始まるアドレスを使ってください。',
  'cause.unknown':
    'このアプリケーションのウィンドウをすべて閉じて、もう一度お試しください。繰り返す場合は、リクエスト番号をヘルプデスクにお伝えください。',

  'action.retry': 'もう一度試す',
  'action.home': 'スタートページへ',
  'action.apps': 'アプリケーション一覧へ',
  'action.account': 'セッション一覧',
  'action.sign-in': 'サインイン',
  'action.sign-out': 'サインアウト',
  'action.other-user': '別の人としてサインイン',
  'action.open': '独立したウィンドウで開く',

  'form.send': 'フォームを送信',
  'form.discard': '送信しない',
  'action.back': 'ページに戻る',
  'form.target': '送信先',
  'form.fields': '項目',
  'form.files': 'ファイル',
  'form.size': 'サイズ',

  'detail.site': 'アプリケーション',
  'detail.user': 'サインイン中',
  'detail.policy': '判定したポリシー',
  'detail.request': 'リクエスト番号',
  'detail.wait': '{duration}待ってから、もう一度お試しください。',

  'footer.language': '言語',
  'footer.change': '変更',
  'footer.help': 'ヘルプ',
}
