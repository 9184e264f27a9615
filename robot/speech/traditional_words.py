"""Words of the traditional Mongolian script whose Cyrillic spelling is certain.

The traditional side transliterates the Unicode text letter for letter (q and g are also the front k and g;
`-` is the vowel separator), so that it can be read on any screen. Most pairs come from our phrase book of both scripts;
no native speaker has read them.
"""

from __future__ import annotations

_TABLE = """
abqu=авах abu=аав abugarai=аваарай aburagarai=авраарай agajigu=аажуу agar=агаар agula=уул aguljaqu=уулзах
agučilagarai=уучлаарай aimag=аймаг ajil=ажил altan=алтан ama=ам amaragarai=амраарай amisqul=амьсгал
amisqulagarai=амьсгалаарай amisqulju=амьсгалж aq-a=ах arasu=арьс arba=арав arban=арван ariqi=архи
asagagarai=асаагаарай asagugarai=асуугаарай asaragči=асрагч ay-a=ая ayimag=аймаг ayirag=айраг ayuju=айж ači=ач
badayiraju=бадайрч bag-a=бага bagasqagarai=багасгаарай bagasqal-a=багасгалаа bagatur=баатар bagsi=багш bai=бай
baragun=баруун basa=бас batu=бат bayar=баяр bayarlal-a=баярлалаа bayartai=баяртай bayig-a=байгаа bayigarai=байгаарай
bayin-a=байна bayiy-a=байя bey-e=бие bi=би bide=бид bisi=биш bitegei=битгий biy-e=бие bičig=бичиг bolju=болж
bolugsan=болсон bolul-a=боллоо bolun-a=болно borog-a=бороо bosqu=босох bosču=босож budag-a=будаа bui=вэ
bögeljisü=бөөлжис bögere=бөөр büliyen=бүлээн bürin=бүрэн dabusu=давс dabčidaju=давчдаж dagaraju=даарч dagu=дуу
dagudagarai=дуудаарай dagudaju=дуудаж daguday-a=дуудъя dagulagači=дуулаач dagusugsan=дууссан daguu=дуу dala=дал
dalai=далай daqin=дахин darulta=даралт deger-e=дээр degüü=дүү delger=дэлгэр dolug-a=долоо dolugan=долоон door-a=доор
dorji=дорж dotor-a=дотор dotur-a=дотор dulagan=дулаан dumdadu=дундад duu=дуу dörbe=дөрөв dörben=дөрвөн döči=дөч
döčin=дөчин ebedčin=өвчин ebedčü=өвдөж ebečin=өвчин ebüdüg=өвдөг ebüge=өвөө ebül=өвөл ebür=өвөр edür=өдөр egeči=эгч
egüde=үүд eji=ээж elige=элэг em=эм emege=эмээ emegtei=эмэгтэй emnelge=эмнэлэг emün-e=өмнө emči=эмч emčilege=эмчилгээ
ene=энэ erdeni=эрдэнэ eregtei=эрэгтэй eregül=эрүүл ergijü=эргэж eŋqe=энх gadag-a=гадаа gadan-a=гадна
gagčagardaju=ганцаардаж gal=гал gar=гар garag=гараг garul-a=гарлаа garču=гарч gedesü=гэдэс gejü=гэж ger=гэр
gerel=гэрэл gergei=гэргий gool=гол gudum=гудам guniglagarai=гуниглаарай gurba=гурав gurban=гурван guči=гуч
gučin=гучин idemer=идмээр ideqü=идэх imag-a=ямаа ir=ир iregsen=ирсэн ireqü=ирэх ja=за jagu=зуу jagun=зуун
jalgay-a=залгая jam=зам jasamar=засмаар jegüdü=зүүд jegüdülegerei=зүүдлээрэй jegüdülegsen=зүүдэлсэн jegün=зүүн
jigaqan=жаахан jil=жил jimis=жимс jira=жар jirgal=жаргал jirguga=зургаа jirgugan=зургаан jirüqe=зүрх jobaju=зовж
jogso=зогс jun=зун jurag=зураг jüger=зүгээр magu=муу maguqairaju=муухайрч mal=мал margasi=маргааш martagsan=мартсан
medegdegsen=мэдэгдсэн medege=мэдээ medeqü=мэдэх mendü=мэнд mini=минь minü=миний miq-a=мах miŋg-a=мянга mori=морь
morin=морин moŋgol=монгол mön=мөн möŋqe=мөнх nada_ača=надаас nada_du=надад nada_tai=надтай nagadugarai=наадаарай
nagadum_un=наадмын nagasi=нааш nagur=нуур naima=найм naiman=найман namayi=намайг namur=намар nar-a=нар naran=наран
nasu=нас nasun=насан naya=ная nayija=найз ner-e=нэр ni=нь nidü=нүд nige=нэг nigen=нэгэн nirugu=нуруу nogug-a=ногоо
nogugan=ногоон nom=ном noqai=нохой noyir=нойр nutug=нутаг nöqür=нөхөр odo=одоо odun=одон ordos=ордос oroi=орой
oroju=орж oron-a=орно oroqu=орох oyilagagsan=ойлгосон oyilagal-a=ойлголоо oyun=оюун qabar=хамар qabur=хавар
qagas=хагас qagučin=хуучин qalagun=халуун qalaguraju=халуурч qalagučaju=халууцаж qamig-a=хаана qani=хань
qaniyadu=ханиад qaniyaju=ханиаж qaqačiqal-a=хахчихлаа qar-a=хар qaraqu=харах qas=хас qedü=хэд qedün=хэдэн
qedün_ü=хэдний qei=хий qejiy-e=хэзээ qele=хэл qelegerei=хэлээрэй qelen-e=хэлнэ qem=хэм qemjiy-e=хэмжээ qen=хэн
qereg=хэрэг qeregtei=хэрэгтэй qeüqed=хүүхэд qitad=хятад qogola=хоол qogolai=хоолой qoin-a=хойно qoni=хонь
qonin=хонин qori=хорь qorin=хорин qosigu=хошуу qota=хот qoyar=хоёр qoyin-a=хойно qubčasulagarai=хувцаслаарай
qugur=хуур qulan=хулан qurdun=хурдан qöbegün=хүү qödelqü=хөдлөх qödelügerei=хөдлөөрэй qöl=хөл qömün=хүн qöqe=хөх
qöqeqota=хөххот qörügsen=хөрсөн qüiten=хүйтэн qüliyegerei=хүлээгээрэй qümün=хүн qürgey-e=хүргэе qürqü=хүрэх
qürčü=хүрч qüsey-e=хүсье qüü=хүү qüüqed=хүүхэд salqi=салхи sanag-a=санаа sanagulugarai=сануулаарай sanaju=санаж
sar-a=сар saran=саран sarnai=сарнай sayin=сайн sayiqan=сайхан sedqil=сэтгэл serigegerei=сэрээгээрэй sečen=сэцэн
sidü=шүд sil=шил sili=шил sin-e=шинэ siqür=шүхэр sir-a=шар sirege=ширээ siü=шүү sonin=сонин sonosqu=сонсох
sonosugsan=сонссон sonosumar=сонсмоор sonosču=сонсож sulidaju=сульдаж sumu=сум söni=шөнө sü=сүү süljiy-e=сүлжээ
ta=та tabi=тавь tabin=тавин tabu=тав tabun=таван tal-a=тал talbiju=тавьж talq-a=талх tamaqi=тамхи tan_ača=танаас
tan_du=танд tan_i=таныг tan_tai=тантай tan_u=таны taniqu=таних tasuragsan=тасарсан tayibuŋ=тайван tede=тэд
temdeglel-e=тэмдэглэлээ temege=тэмээ temür=төмөр tere=тэр teyimü=тийм tologai=толгой tosu=тос tuqai=тухай
tusalagarai=туслаарай tusalamji=тусламж tuul=туул tuuli=тууль tuyag-a=туяа tülegdečiqel-e=түлэгдчихлээ türgen=түргэн
türi=түр tüsiged=түшээд tŋri=тэнгэр ulagan=улаан ulus=улс unagsan=унасан unačiqal-a=уначихлаа untaqu=унтах
untaragagarai=унтраагаарай urtu=урт usu=ус utasu=утас utasudagarai=утасдаарай utasudaju=утасдаж uu=уу
uugugarai=уугаарай uugugsan=уусан uugumar=уумаар uuguqu=уух uyaŋg-a=уянга yabu=яв yabumar=явмаар yabuqu=явах
yadaraju=ядарч yagaju=яаж yagu=юу yamar=ямар yarigarai=яриарай yariju=ярьж yarilčagarai=ярилцаарай
yarilčay-a=ярилцъя yarin-a=ярина yariy-a=ярья yasu=яс yeqe=их yere=ер yisü=ес yisün=есөн yum=юм öbür=өвөр
ögerečilejü=өөрчилж öggügeči=өгөөч öggüy-e=өгье öljei=өлзий ölüsčü=өлсөж öndege=өндөг öndür=өндөр önödür=өнөөдөр
öqin=охин örlöge=өглөө örlögen_ü=өглөөний öčügedür=өчигдөр üde=үд üdesi=үдэш üge=үг ügei=үгүй üjegerei=үзээрэй
üjeqü=үзэх üliger=үлгэр ünürtejü=үнэртэж üqer=үхэр ürgüljilegülügerei=үргэлжлүүлээрэй üü=үү čag=цаг čagan=цагаан
čai=цай času=цас čaŋgaju=цангаж čegeji=цээж čelmeg=цэлмэг čenegleqü=цэнэглэх čečeg=цэцэг či=чи čidaqu=чадах
čima_du=чамд čimai=чамайг čimeg=чимэг čimege=чимээ činagsan=чанасан činagsi=цааш čini=чинь činu=чиний čiqi=чих
čisu=цус čisun_u=цусны čiŋgalagarai=чангалаарай čiŋgalal-a=чангаллаа čoŋqu=цонх čü=ч
"""
WORDS = dict(pair.split("=", 1) for pair in _TABLE.split())
