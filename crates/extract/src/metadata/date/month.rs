//! The names of months.

/// Longest name in bytes; longer words are not looked up.
const MAX_BYTES: usize = 40;

/// The month, 1 to 12, that a word in lower case names.
///
/// Where languages disagree the one with more speakers wins: `listopad` is the Polish and Czech
/// November, not the Croatian October.
pub(super) fn of(word: &str) -> Option<u8> {
    if word.len() > MAX_BYTES || word.len() < 3 {
        return None;
    }
    let at = NAMES.binary_search_by(|(name, _)| (*name).cmp(word)).ok()?;
    Some(NAMES[at].1)
}

/// Sorted by the name's bytes. Names in the forms that dates are written with, and short ones.
#[rustfmt::skip]
const NAMES: &[(&str, u8)] = &[
    ("abendua", 12), ("abenduaren", 12), ("abr", 4), ("abril", 4), ("abuztua", 8),
    ("abuztuaren", 8), ("ago", 8), ("agost", 8), ("agosto", 8), ("agt", 8), ("agustus", 8),
    ("aout", 8), ("août", 8), ("apirila", 4), ("apirilaren", 4), ("apr", 4), ("aprel", 4),
    ("april", 4), ("aprila", 4), ("aprile", 4), ("aprilie", 4), ("aprill", 4), ("apríl", 4),
    ("apríla", 4), ("aprīlis", 4), ("aprīlī", 4), ("ara", 12), ("aralık", 12), ("aug", 8),
    ("august", 8), ("augusta", 8), ("augusti", 8), ("augusts", 8), ("augustus", 8), ("augustā", 8),
    ("augusztus", 8), ("avgust", 8), ("avgusta", 8), ("avqust", 8), ("avr", 4), ("avril", 4),
    ("azaroa", 11), ("azaroaren", 11), ("ağu", 8), ("ağustos", 8), ("balandžio", 4),
    ("birželio", 6), ("březen", 3), ("března", 3), ("cze", 6), ("czerwca", 6), ("czerwiec", 6),
    ("dec", 12), ("decembar", 12), ("december", 12), ("decembra", 12), ("decembre", 12),
    ("decembrie", 12), ("decembris", 12), ("decembro", 12), ("decembrī", 12), ("dekabr", 12),
    ("des", 12), ("desember", 12), ("desembre", 12), ("detsember", 12), ("dez", 12),
    ("dezember", 12), ("dezembro", 12), ("dhjetor", 12), ("dic", 12), ("dicembre", 12),
    ("diciembre", 12), ("disember", 12), ("duben", 4), ("dubna", 4), ("déc", 12), ("décembre", 12),
    ("ekaina", 6), ("ekainaren", 6), ("eki", 10), ("ekim", 10), ("elokuu", 8), ("elokuuta", 8),
    ("ene", 1), ("enero", 1), ("eyl", 9), ("eylül", 9), ("feb", 2), ("febbr", 2), ("febbraio", 2),
    ("feber", 2), ("febr", 2), ("febreiro", 2), ("febrer", 2), ("febrero", 2), ("februar", 2),
    ("februari", 2), ("februarie", 2), ("februarja", 2), ("february", 2), ("február", 2),
    ("februára", 2), ("februāris", 2), ("februārī", 2), ("febrúar", 2), ("fev", 2),
    ("fevereiro", 2), ("fevral", 2), ("fevrier", 2), ("févr", 2), ("février", 2), ("gegužės", 5),
    ("gen", 1), ("gener", 1), ("genn", 1), ("gennaio", 1), ("giu", 6), ("giugno", 6), ("gru", 12),
    ("grudnia", 12), ("grudzień", 12), ("gruodžio", 12), ("gusht", 8), ("haz", 6), ("haziran", 6),
    ("heinäkuu", 7), ("heinäkuuta", 7), ("helmikuu", 2), ("helmikuuta", 2), ("huhtikuu", 4),
    ("huhtikuuta", 4), ("ian", 1), ("ianuarie", 1), ("iraila", 9), ("irailaren", 9), ("iul", 7),
    ("iulie", 7), ("iun", 6), ("iunie", 6), ("iyul", 7), ("iyun", 6), ("jaanuar", 1), ("jaen", 1),
    ("jan", 1), ("janar", 1), ("janeiro", 1), ("januar", 1), ("januari", 1), ("januarja", 1),
    ("january", 1), ("január", 1), ("januára", 1), ("janv", 1), ("janvier", 1), ("janvāris", 1),
    ("janvārī", 1), ("janúar", 1), ("joulukuu", 12), ("joulukuuta", 12), ("juil", 7), ("juill", 7),
    ("juillet", 7), ("juin", 6), ("jul", 7), ("julai", 7), ("julho", 7), ("juli", 7),
    ("julija", 7), ("julio", 7), ("juliol", 7), ("july", 7), ("jun", 6), ("june", 6), ("junho", 6),
    ("juni", 6), ("junija", 6), ("junio", 6), ("juny", 6), ("juuli", 7), ("juuni", 6), ("jän", 1),
    ("jänner", 1), ("júl", 7), ("júla", 7), ("július", 7), ("júlí", 7), ("jún", 6), ("júna", 6),
    ("június", 6), ("júní", 6), ("jūlijs", 7), ("jūlijā", 7), ("jūnijs", 6), ("jūnijā", 6),
    ("kas", 11), ("kasım", 11), ("kesäkuu", 6), ("kesäkuuta", 6), ("kolovoz", 8), ("kolovoza", 8),
    ("korrik", 7), ("kovo", 3), ("květen", 5), ("května", 5), ("kwi", 4), ("kwiecień", 4),
    ("kwietnia", 4), ("lapkričio", 11), ("leden", 1), ("ledna", 1), ("liepos", 7), ("lip", 7),
    ("lipanj", 6), ("lipca", 7), ("lipiec", 7), ("lipnja", 6), ("lis", 11), ("listopad", 11),
    ("listopada", 11), ("listopadu", 11), ("lokakuu", 10), ("lokakuuta", 10), ("lug", 7),
    ("lugl", 7), ("luglio", 7), ("lut", 2), ("lutego", 2), ("luty", 2), ("maaliskuu", 3),
    ("maaliskuuta", 3), ("maart", 3), ("maerz", 3), ("mag", 5), ("magg", 5),
    ("maggio", 5), ("mai", 5), ("maiatza", 5), ("maiatzaren", 5), ("maig", 5), ("maijs", 5),
    ("maijā", 5), ("maio", 5), ("maj", 5), ("maja", 5), ("mar", 3), ("marca", 3), ("march", 3),
    ("marco", 3), ("marec", 3), ("maret", 3), ("marraskuu", 11), ("marraskuuta", 11), ("mars", 3),
    ("mart", 3), ("martie", 3), ("marts", 3), ("martxoa", 3), ("martxoaren", 3), ("martā", 3),
    ("marzec", 3), ("marzo", 3), ("març", 3), ("março", 3), ("may", 5), ("mayo", 5), ("mayıs", 5),
    ("maí", 5), ("mei", 5), ("mrt", 3), ("mrz", 3), ("máj", 5), ("mája", 5), ("május", 5),
    ("márc", 3), ("március", 3), ("mär", 3), ("märts", 3), ("märz", 3), ("nis", 4), ("nisan", 4),
    ("noi", 11), ("noiembrie", 11), ("nopember", 11), ("nov", 11), ("novembar", 11),
    ("november", 11), ("novembra", 11), ("novembre", 11), ("novembris", 11), ("novembro", 11),
    ("novembrī", 11), ("noviembre", 11), ("noyabr", 11), ("nëntor", 11), ("nóvember", 11),
    ("oca", 1), ("ocak", 1), ("oct", 10), ("october", 10), ("octobre", 10), ("octombrie", 10),
    ("octubre", 10), ("ogos", 8), ("okt", 10), ("oktobar", 10), ("oktober", 10), ("oktobra", 10),
    ("oktobris", 10), ("oktobrī", 10), ("oktoober", 10), ("oktyabr", 10), ("október", 10),
    ("októbra", 10), ("otsaila", 2), ("otsailaren", 2), ("ott", 10), ("ottobre", 10), ("out", 10),
    ("outubro", 10), ("ožujak", 3), ("ožujka", 3), ("paź", 10), ("październik", 10),
    ("października", 10), ("prill", 4), ("prosinac", 12), ("prosinca", 12), ("prosince", 12),
    ("prosinec", 12), ("qershor", 6), ("rugpjūčio", 8), ("rugsėjo", 9), ("rujan", 9), ("rujna", 9),
    ("sausio", 1), ("sentyabr", 9), ("sep", 9), ("sept", 9), ("septembar", 9), ("september", 9),
    ("septembra", 9), ("septembre", 9), ("septembrie", 9), ("septembris", 9), ("septembrī", 9),
    ("septiembre", 9), ("set", 9), ("setembre", 9), ("setembro", 9), ("setiembre", 9), ("sett", 9),
    ("settembre", 9), ("shkurt", 2), ("shtator", 9), ("sie", 8), ("sierpień", 8), ("sierpnia", 8),
    ("siječanj", 1), ("siječnja", 1), ("spalio", 10), ("srpanj", 7), ("srpen", 8), ("srpna", 8),
    ("srpnja", 7), ("studeni", 11), ("studenoga", 11), ("sty", 1), ("styczeń", 1), ("stycznia", 1),
    ("svibanj", 5), ("svibnja", 5), ("syyskuu", 9), ("syyskuuta", 9), ("szept", 9),
    ("szeptember", 9), ("tammikuu", 1), ("tammikuuta", 1), ("tem", 7), ("temmuz", 7),
    ("tetor", 10), ("toukokuu", 5), ("toukokuuta", 5), ("travanj", 4), ("travnja", 4),
    ("urria", 10), ("urriaren", 10), ("urtarrila", 1), ("urtarrilaren", 1), ("uztaila", 7),
    ("uztailaren", 7), ("vasario", 2), ("veebruar", 2), ("veljača", 2), ("veljače", 2), ("wrz", 9),
    ("wrzesień", 9), ("września", 9), ("xaneiro", 1), ("xullo", 7), ("xuño", 6), ("yanvar", 1),
    ("září", 9), ("ágúst", 8), ("ápr", 4), ("április", 4), ("únor", 2), ("února", 2),
    ("červen", 6), ("července", 7), ("červenec", 7), ("června", 6), ("říjen", 10), ("října", 10),
    ("şub", 2), ("şubat", 2), ("απρ", 4), ("απρίλιος", 4), ("απριλίου", 4), ("αυγ", 8),
    ("αυγούστου", 8), ("αύγουστος", 8), ("δεκ", 12), ("δεκέμβριος", 12), ("δεκεμβρίου", 12),
    ("ιαν", 1), ("ιανουάριος", 1), ("ιανουαρίου", 1), ("ιουλ", 7), ("ιουλίου", 7), ("ιουν", 6),
    ("ιουνίου", 6), ("ιούλιος", 7), ("ιούνιος", 6), ("μάιος", 5), ("μάρτιος", 3), ("μαΐου", 5),
    ("μαρ", 3), ("μαρτίου", 3), ("μαϊ", 5), ("νοέμβριος", 11), ("νοε", 11), ("νοεμβρίου", 11),
    ("οκτ", 10), ("οκτωβρίου", 10), ("οκτώβριος", 10), ("σεπ", 9), ("σεπτέμβριος", 9),
    ("σεπτεμβρίου", 9), ("φεβ", 2), ("φεβρουάριος", 2), ("φεβρουαρίου", 2), ("авг", 8),
    ("август", 8), ("августа", 8), ("апр", 4), ("апрель", 4), ("апреля", 4), ("април", 4),
    ("бер", 3), ("березень", 3), ("березня", 3), ("вер", 9), ("верасня", 9), ("вересень", 9),
    ("вересня", 9), ("гру", 12), ("грудень", 12), ("грудня", 12), ("дек", 12), ("декабрь", 12),
    ("декабря", 12), ("декември", 12), ("децембар", 12), ("жніўня", 8), ("жов", 10),
    ("жовтень", 10), ("жовтня", 10), ("июл", 7), ("июль", 7), ("июля", 7), ("июн", 6), ("июнь", 6),
    ("июня", 6), ("кастрычніка", 10), ("кві", 4), ("квітень", 4), ("квітня", 4), ("красавіка", 4),
    ("лип", 7), ("липень", 7), ("липня", 7), ("лис", 11), ("листопад", 11), ("листопада", 11),
    ("лют", 2), ("лютага", 2), ("лютий", 2), ("лютого", 2), ("ліпеня", 7), ("лістапада", 11),
    ("май", 5), ("мар", 3), ("март", 3), ("марта", 3), ("мая", 5), ("мај", 5), ("новембар", 11),
    ("ноември", 11), ("ноя", 11), ("нояб", 11), ("ноябрь", 11), ("ноября", 11), ("окт", 10),
    ("октобар", 10), ("октомври", 10), ("октябрь", 10), ("октября", 10), ("сакавіка", 3),
    ("сен", 9), ("сент", 9), ("сентябрь", 9), ("сентября", 9), ("септембар", 9), ("септември", 9),
    ("сер", 8), ("серпень", 8), ("серпня", 8), ("снежня", 12), ("студзеня", 1), ("січ", 1),
    ("січень", 1), ("січня", 1), ("тра", 5), ("травень", 5), ("травня", 5), ("фебруар", 2),
    ("фев", 2), ("февр", 2), ("февраль", 2), ("февраля", 2), ("февруари", 2), ("чер", 6),
    ("червень", 6), ("червня", 6), ("чэрвеня", 6), ("юли", 7), ("юни", 6), ("янв", 1),
    ("январь", 1), ("января", 1), ("януари", 1), ("јануар", 1), ("јул", 7), ("јун", 6),
    ("ապրիլի", 4), ("դեկտեմբերի", 12), ("հոկտեմբերի", 10), ("հուլիսի", 7), ("հունիսի", 6),
    ("հունվարի", 1), ("մայիսի", 5), ("մարտի", 3), ("նոյեմբերի", 11), ("սեպտեմբերի", 9),
    ("փետրվարի", 2), ("օգոստոսի", 8), ("אוגוסט", 8), ("אוקטובר", 10), ("אפריל", 4), ("באוגוסט", 8),
    ("באוקטובר", 10), ("באפריל", 4), ("בדצמבר", 12), ("ביולי", 7), ("ביוני", 6), ("בינואר", 1),
    ("במאי", 5), ("במרץ", 3), ("בנובמבר", 11), ("בספטמבר", 9), ("בפברואר", 2), ("דצמבר", 12),
    ("יולי", 7), ("יוני", 6), ("ינואר", 1), ("מאי", 5), ("מרץ", 3), ("נובמבר", 11), ("ספטמבר", 9),
    ("פברואר", 2), ("آب", 8), ("آذار", 3), ("آوریل", 4), ("أبريل", 4), ("أغسطس", 8),
    ("أكتوبر", 10), ("أوت", 8), ("أيار", 5), ("أيلول", 9), ("إبريل", 4), ("ابريل", 4),
    ("اغسطس", 8), ("اكتوبر", 10), ("اوت", 8), ("اپریل", 4), ("اکتبر", 10), ("اکتوبر", 10),
    ("اگست", 8), ("تموز", 7), ("جانفي", 1), ("جنوری", 1), ("جوان", 6), ("جولائی", 7), ("جون", 6),
    ("جويلية", 7), ("حزيران", 6), ("دسامبر", 12), ("دسمبر", 12), ("ديسمبر", 12), ("سبتمبر", 9),
    ("ستمبر", 9), ("سپتامبر", 9), ("شباط", 2), ("فبراير", 2), ("فروری", 2), ("فوریه", 2),
    ("فيفري", 2), ("مئی", 5), ("مارس", 3), ("مارچ", 3), ("ماي", 5), ("مايو", 5), ("مه", 5),
    ("نوامبر", 11), ("نوفمبر", 11), ("نومبر", 11), ("نيسان", 4), ("يناير", 1), ("يوليه", 7),
    ("يوليو", 7), ("يونيه", 6), ("يونيو", 6), ("ژانویه", 1), ("ژوئن", 6), ("ژوئیه", 7),
    ("अक्टूबर", 10), ("अक्तूबर", 10), ("अगस्त", 8), ("अप्रैल", 4), ("जनवरी", 1), ("जुलाई", 7),
    ("जून", 6), ("दिसंबर", 12), ("दिसम्बर", 12), ("नवंबर", 11), ("नवम्बर", 11), ("फरवरी", 2),
    ("फ़रवरी", 2), ("मई", 5), ("मार्च", 3), ("सितंबर", 9), ("सितम्बर", 9), ("অক্টোবর", 10),
    ("আগস্ট", 8), ("এপ্রিল", 4), ("জানুয়ারি", 1), ("জানুয়ারী", 1), ("জুন", 6), ("জুলাই", 7),
    ("ডিসেম্বর", 12), ("নভেম্বর", 11), ("ফেব্রুয়ারি", 2), ("ফেব্রুয়ারী", 2), ("মার্চ", 3),
    ("মে", 5), ("সেপ্টেম্বর", 9), ("กรกฎาคม", 7), ("กันยายน", 9), ("กุมภาพันธ์", 2),
    ("ตุลาคม", 10), ("ธันวาคม", 12), ("พฤศจิกายน", 11), ("พฤษภาคม", 5), ("มกราคม", 1),
    ("มิถุนายน", 6), ("มีนาคม", 3), ("สิงหาคม", 8), ("เมษายน", 4), ("აგვისტო", 8), ("აპრილი", 4),
    ("დეკემბერი", 12), ("თებერვალი", 2), ("იანვარი", 1), ("ივლისი", 7), ("ივნისი", 6),
    ("მაისი", 5), ("მარტი", 3), ("ნოემბერი", 11), ("ოქტომბერი", 10), ("სექტემბერი", 9),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_short() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(NAMES.iter().all(|(name, month)| {
            name.len() <= MAX_BYTES && name.len() >= 3 && (1..=12).contains(month)
        }));
    }

    #[test]
    fn every_month_has_names() {
        for month in 1..=12 {
            assert!(NAMES.iter().filter(|(_, of)| *of == month).count() > 40);
        }
        assert_eq!((of("mai"), of("kasım"), of("月")), (Some(5), Some(11), None));
    }
}
