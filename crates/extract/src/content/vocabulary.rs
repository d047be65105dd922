//! Words that say what an element or a text is about.
//!
//! Two tables: words of class names, identifiers and the like, and words of text. A word maps to
//! a set of groups, one bit each; the groups are what the model sees.

mod table;

pub(crate) use table::{HASH_START, TEXT, hash_byte, name_groups};

/// Groups of words in `class`, `id`, `role` and the like.
pub(crate) const NAME_GROUPS: [&str; 58] = [
    "content article story news contenu contenido inhalt conteudo artikel articulo nota noticia",
    "post posts entry entries hentry blog blogpost single",
    "body text txt richtext prose copy wysiwyg rte paragraph paragraphs longform cooked",
    "main primary principal core",
    "comment comments commentlist reply replies respond disqus kommentar kommentare comentario \
     comentarios commentaire commentaires livefyre discussion discussions responses coral \
     kommentarer reacties commenti opinie opinions",
    "sidebar side aside rail rightcol leftcol secondary complementary rightbar leftbar \
     seitenleiste sidebars",
    "widget widgets gadget portlet plugin module modules",
    "nav navbar navigation navi menu menus submenu megamenu topnav hamburger offcanvas drawer \
     menue navigacion subnav",
    "breadcrumb breadcrumbs crumb crumbs pathway",
    "pagination pager paging pagenav paginator prev next previous older newer",
    "tab tabs tabpanel accordion collapse collapsible toggle panel expand expandable",
    "footer foot bottom colophon rodape fuss fusszeile pie footers",
    "copyright legal disclaimer terms privacy policy imprint",
    "header masthead branding logo top topbar kopf cabecera cabecalho",
    "hero banner jumbotron splash",
    "share sharing social socials follow facebook twitter whatsapp pinterest linkedin instagram \
     telegram sharedaddy addthis addtoany sns sociable teilen partager compartir shariff",
    "related recommended recommendation recommendations recommend similar more moreon also \
     suggested suggestions recirc recirculation readmore readnext further upnext outbrain taboola verwandt verwandte \
     weitere mehr auch relacionadas relacionados similares aussi yarpp crp onward",
    "popular trending mostread latest recent recents newest hot topstories featured highlights \
     meistgelesen meistgeklickt beliebt mostviewed neueste aktuell ultimas",
    "ad ads adv advert adverts advertisement advertising sponsor sponsored sponsors dfp gpt \
     adsense commercial affiliate werbung publicidad anzeige adslot adunit leaderboard",
    "promo promos promotion promotions promoted cta campaign teaser teasers deal deals appstore \
     appstores donate donation spenden",
    "cookie cookies consent gdpr ccpa onetrust cmp",
    "modal popup overlay lightbox dialog toast tooltip popover interstitial pum popmake popin",
    "newsletter newsletters subscribe subscription signup optin mailchimp mailing abo \
     abonnement abonnieren",
    "login signin register account logon auth paywall premium membership subscriber gate",
    "author authors byline bio writer autor auteur contributor contributors vcard about",
    "meta metadata info date time timestamp published updated pubdate dateline",
    "tag tags taglist category categories cat topic topics keyword keywords tagcloud taxonomy",
    "caption captions credit credits figcaption photographer",
    "gallery galleries image images img photo photos slideshow slider carousel swiper slick \
     picture thumb thumbnail thumbnails media",
    "video videos player audio podcast youtube vimeo jwplayer brightcove",
    "product products prod pdp sku",
    "price prices pricing cart basket checkout buy shop wishlist offer offers sale stock variant \
     variants quantity qty shipping delivery",
    "spec specs specification specifications feature features detail details attributes \
     dimensions",
    "description desc descr overview",
    "summary excerpt abstract intro introduction lead lede standfirst subtitle deck dek subhead \
     subheading chapo",
    "review reviews rating ratings stars testimonial testimonials feedback",
    "forum forums thread threads board vbulletin phpbb xenforo discourse bbs viewtopic",
    "message messages postbody postcontent postmessage bbwrapper bbcode question answer answers",
    "signature sig",
    "user users username avatar member poster postprofile profile karma reputation badge \
     usercard userinfo",
    "search searchform searchbox query filter filters sort facet facets refine",
    "list listing listings results result grid archive index feed stream loop",
    "card cards tile tiles item items box cell",
    "doc docs documentation document markdown md mdx api guide manual wiki readme sphinx rst \
     docutils mw theme",
    "code highlight highlighter codehilite syntax prettyprint snippet pre",
    "toc tableofcontents outline onthispage contents jumplinks",
    "hidden hide invisible sronly screenreader screen reader visuallyhidden visually offscreen \
     skip",
    "print noprint",
    "toolbar tools tool actions action button buttons btn controls control utility vote voting \
     edit",
    "title headline heading hed headings titre",
    "left right column columns col",
    "event events calendar schedule agenda",
    "contact address location locations map hours phone",
    "faq faqs",
    "quote blockquote pullquote callout infobox factbox notice alert warning tip",
    "footnote footnotes reference references citation bibliography sources reflist",
    "recipe ingredients ingredient instructions directions",
    "poll quiz survey ticker breaking live download app language languages lang",
];

/// What [`NAME_GROUPS`] are called, in the same order.
pub(crate) const NAME_LABELS: [&str; NAME_GROUPS.len()] = [
    "article",
    "post",
    "text",
    "main",
    "comment",
    "sidebar",
    "widget",
    "nav",
    "breadcrumb",
    "pagination",
    "tabs",
    "footer",
    "legal",
    "header",
    "hero",
    "share",
    "related",
    "popular",
    "ad",
    "promo",
    "cookie",
    "modal",
    "newsletter",
    "login",
    "author",
    "meta",
    "tags",
    "caption",
    "gallery",
    "video",
    "product",
    "price",
    "spec",
    "description",
    "summary",
    "review",
    "forum",
    "message",
    "signature",
    "user",
    "search",
    "list",
    "card",
    "doc",
    "code",
    "toc",
    "hidden",
    "print",
    "tools",
    "title",
    "column",
    "event",
    "contact",
    "faq",
    "callout",
    "footnote",
    "recipe",
    "misc",
];

/// Groups of words in text.
pub(crate) const TEXT_GROUPS: [&str; 22] = [
    "cookie cookies consent gdpr",
    "subscribe subscribed newsletter newsletters subscription inbox unsubscribe abonnieren \
     abonnez suscríbete inscreva iscriviti nieuwsbrief abonneer подписаться рассылка",
    "login log sign signin register password account member members anmelden registrieren \
     connexion войти регистрация",
    "more continue weiterlesen mehr suite más mais lire leer leia leggi meer więcej подробнее \
     далее читать view see",
    "comment comments reply replies respond kommentar kommentare commentaire commentaires \
     comentario comentarios commenti reacties komentarze комментарии комментарий ответить",
    "share facebook twitter whatsapp pinterest linkedin instagram tweet telegram reddit email \
     print teilen partager compartir condividi delen udostępnij поделиться follow",
    "related recommended similar popular trending latest recent also verwandte ähnliche \
     similaires relacionados relacionadas correlati gerelateerd powiązane похожие lea ook auch \
     aussi también também anche también",
    "advertisement advertising sponsored ad ads anzeige werbung publicité publicidad \
     publicidade pubblicità advertentie reklama реклама",
    "photo photograph image credit courtesy getty reuters afp shutterstock foto fotos bild \
     picture photos photographer imago dpa alamy unsplash via source quelle",
    "by von par por di door przez av autor author автор written",
    "cart buy price checkout shipping stock wishlist order basket warenkorb panier carrito \
     carrello quantity sku delivery discount",
    "copyright reserved rights inc ltd llc gmbh",
    "privacy terms policy policies conditions disclaimer datenschutz impressum agb legal \
     confidentialité",
    "january february march april june july august september october november december jan feb \
     mar apr jun jul aug sep sept oct nov dec januar februar märz mai juni juli oktober dezember \
     janvier février mars avril juin juillet août septembre octobre novembre décembre enero \
     febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre января \
     февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "menu home about contact search faq help skip navigation careers sitemap toggle close open \
     back top next previous",
    "posted published updated ago min mins minutes read views modified last date",
    "editor writer reporter journalist staff contributor correspondent columnist",
    "tags tag tagged filed category categories topics topic keywords",
    "joined posts messages quote reputation likes permalink thread forum post replied wrote \
     registered upvote downvote",
    "video watch play loading listen podcast player",
    "stars rating ratings reviews review helpful verified rated",
    // Function words: what sentences have and menus do not.
    "the of and to in a is that for it as was with be on not he his but at are this have from or \
     had an they which were their been has when who will would if so what her she you we there \
     can our all its than then because into only could your i my me him them these those some \
     die der und das ist nicht ein eine den dem des sich auf für wir ich sie es zu war wie \
     aber oder wenn dass auch nur noch nach bei aus \
     le la les et un une est pas pour que qui dans sur il elle nous vous ne ce cette des du au \
     aux avec sont mais ou \
     el los las y en es una por con para del se no lo más como pero sus este esta son \
     e o os um uma não com da do na ao dos das ele ela mas foi são seu sua \
     il lo gli ed è un che di per con non sono della nel alla più anche dei \
     het een van ik dat niet zijn op te met voor er maar om ook \
     nie się na że do jest to jak ale po co tak przez \
     и в не на я что он с как это а по но они мы за от для из у так же все \
     och att det som är av på den för med inte jag har de till \
     og til er ikke det som \
     ve bir bu için ile de da çok \
     și să nu care pentru din mai este",
];

/// What [`TEXT_GROUPS`] are called, in the same order.
pub(crate) const TEXT_LABELS: [&str; TEXT_GROUPS.len()] = [
    "cookie",
    "subscribe",
    "login",
    "more",
    "comment",
    "share",
    "related",
    "ad",
    "credit",
    "by",
    "buy",
    "rights",
    "legal",
    "month",
    "menu",
    "posted",
    "staff",
    "tags",
    "forum",
    "video",
    "rating",
    "function",
];
